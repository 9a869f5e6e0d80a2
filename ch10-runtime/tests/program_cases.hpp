#pragma once
// What the programs of this chapter's first stages do: three requests, one after the other, of
// which three coroutines, one in another, make one result.

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "testing/delayserver.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"
#include "testing/stage_program.hpp"

TEST_CASE("the program makes its requests one after the other, and its result of the answers") {
  testing::Delayserver server;
  testing::CountedResult counted =
      testing::counted_run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(counted.result.out, counted.result.err);
  CHECK(counted.result.exit.describe() == "exit status 0");
  CHECK(server.answered_messages() ==
        std::vector<std::string>{"request-0", "request-1", "request-2"});
  CHECK(server.stats().peak_in_flight == 1);
  bool result =
      counted.result.out.find("27 bytes: request-0 request-1 request-2") != std::string::npos;
  CHECK(result);
  // It sleeps in between: of each connection, that it stands, and the answer, perhaps in pieces.
  CHECK(counted.calls["epoll_wait"] <= 3 * 6);
  bool reactor_wakes = counted.result.out.find("reactor   wake") != std::string::npos;
  CHECK(reactor_wakes);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "epoll_wait", 3)
