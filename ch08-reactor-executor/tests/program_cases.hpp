#pragma once
// What the programs of stages c and d promise. (In a file of its own, since doctest orders the
// cases by file and line: whoever writes a stage meets them after those of the parts.)

#include <doctest/doctest.h>

#include "testing/stage_program.hpp"

TEST_CASE("the program has all five requests on their way, and sleeps until there is something") {
  testing::CountedResult counted = testing::check_all_in_flight(STAGE_PROGRAM);
  // One for each answer, and some for connections and answers that come in pieces.
  CHECK(counted.calls["epoll_wait"] >= 1);
  CHECK(counted.calls["epoll_wait"] <= 50);
}

COURSE_REQUEST_STAGE_CASES(STAGE_PROGRAM, "epoll_wait")
