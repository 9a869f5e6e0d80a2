// The suite of ch10/g-combinators.

#define REGISTRATION_WAITS(registration, handle, queue) registration.wait(handle, queue, never)
#include "combinator_cases.hpp"

TEST_CASE("the program joins three requests, and then names the first of three others") {
  Delayserver server;
  testing::CountedResult counted =
      testing::counted_run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(counted.result.out, counted.result.err);
  CHECK(counted.result.exit.describe() == "exit status 0");
  CHECK(server.stats().served == 6);
  CHECK(server.stats().peak_in_flight == 3);
  bool all =
      counted.result.out.find("27 bytes: request-0 request-1 request-2") != std::string::npos;
  CHECK(all);
  bool first = counted.result.out.find("the first is number 1: request-3") != std::string::npos;
  CHECK(first);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "epoll_wait", 6)
