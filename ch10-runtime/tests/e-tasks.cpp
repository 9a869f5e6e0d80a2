// The suite of ch10/e-tasks.

#define REGISTRATION_WAITS(registration, handle, queue) registration.wait(handle, queue)
#include "join_cases.hpp"

TEST_CASE("the program has its three requests in flight at once, and blocks nobody") {
  Delayserver server;
  testing::CountedResult counted =
      testing::counted_run(STAGE_PROGRAM, testing::stage_options(server.address()));
  INFO(counted.result.out, counted.result.err);
  CHECK(counted.result.exit.describe() == "exit status 0");
  CHECK(server.stats().served == 3);
  CHECK(server.stats().peak_in_flight == 3);
  bool result =
      counted.result.out.find("27 bytes: request-0 request-1 request-2") != std::string::npos;
  CHECK(result);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "epoll_wait", 3)
