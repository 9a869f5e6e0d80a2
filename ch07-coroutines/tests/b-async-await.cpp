// The suite of ch07/b-async-await.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "futures.hpp"
#include "testing/delayserver.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"
#include "testing/stage_program.hpp"

TEST_CASE("the program makes five requests in turn, and never two at the same time") {
  testing::Delayserver server;
  process::Result result = testing::run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(result.err);
  CHECK(result.exit.describe() == "exit status 0");
  CHECK(server.stats().served == 5);
  CHECK(server.stats().peak_in_flight == 1);
  CHECK(server.answered_messages() ==
        std::vector<std::string>{"request-0", "request-1", "request-2", "request-3", "request-4"});
}

TEST_CASE("the program asks again while an answer is on its way, and says how often it did") {
  testing::Delayserver server;
  process::Result result = testing::run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(result.err);
  // Each request has at least one poll in which it is not ready, and the last one is ready in one
  // more.
  CHECK(polls_of(result.out) > 5);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "")
