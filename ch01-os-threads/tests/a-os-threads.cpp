// The suite of ch01/a-os-threads.

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "testing/peer.hpp"
#include "testing/plain_program.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"

TEST_CASE("each task ends after it has started, the third starts in the second, none is lost") {
  std::vector<std::string> seen = testing::events(STAGE_PROGRAM);
  auto place = [&](const std::string& event) {
    return std::find(seen.begin(), seen.end(), event) - seen.begin();
  };
  CHECK(seen.size() == 6);
  CHECK(place("start task-1") == 0);
  CHECK(place("start task-1") < place("done task-1"));
  CHECK(place("start task-2") < place("done task-2"));
  CHECK(place("done task-2") < place("start task-3"));
  CHECK(place("start task-3") < place("done task-3"));
}

TEST_CASE("the tasks wait at the same time: they end in the order of their delays") {
  // A busy machine can hold up one of them: then it is tried again.
  std::vector<std::string> delays = {"start task-1", "start task-2", "done task-2",
                                     "start task-3", "done task-3",  "done task-1"};
  CHECK(testing::eventually([&] { return testing::events(STAGE_PROGRAM) == delays; }));
}

TEST_CASE("the program says in one line what went wrong, and exits with 1") {
  testing::check_output_errors(STAGE_PROGRAM);
}
