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
  CHECK(place("start toast") == 0);
  CHECK(place("start toast") < place("done toast"));
  CHECK(place("start kettle") < place("done kettle"));
  CHECK(place("done kettle") < place("start tea"));
  CHECK(place("start tea") < place("done tea"));
}

TEST_CASE("the tasks wait at the same time: they end in the order of their delays") {
  // A busy machine can hold up one of them: then it is tried again.
  std::vector<std::string> delays = {"start toast", "start kettle", "done kettle",
                                     "start tea",   "done tea",     "done toast"};
  CHECK(testing::eventually([&] { return testing::events(STAGE_PROGRAM) == delays; }));
}

TEST_CASE("the program says in one line what went wrong, and exits with 1") {
  testing::check_output_errors(STAGE_PROGRAM);
}
