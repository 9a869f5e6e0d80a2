// The suite of ch10/d-handles. Most of it holds for the stages after it, too.

#define REGISTRATION_WAITS(registration, handle, queue) registration.wait(handle, queue)
#include "tasks.hpp"

TEST_CASE("the program makes its requests one after the other, and sleeps in between") {
  Delayserver server;
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
  CHECK(counted.calls["epoll_wait"] <= 3 * 6);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "epoll_wait", 3)
