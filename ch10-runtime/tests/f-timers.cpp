// The suite of ch10/f-timers.

#define REGISTRATION_WAITS(registration, handle, queue) registration.wait(handle, queue, never)
#include "timer_cases.hpp"

TEST_CASE(
    "the program gets the two answers that come in time, and says of three that they do not") {
  Delayserver server;
  // (A long unit: an answer shall not come late because the machine is busy.)
  testing::CountedResult counted = testing::counted_run(
      STAGE_PROGRAM, {"--server", server.address().to_string(), "--unit-ms", "200"});
  INFO(counted.result.out, counted.result.err);
  CHECK(counted.result.exit.describe() == "exit status 0");
  CHECK(server.stats().peak_in_flight == 5);
  bool result =
      counted.result.out.find("18 bytes: request-0 request-1 (request-2: ") != std::string::npos;
  CHECK(result);
  bool ticks = counted.result.out.find("tick      clock       3") != std::string::npos;
  CHECK(ticks);
}
