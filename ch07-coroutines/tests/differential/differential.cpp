#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "harness.hpp"

namespace {

// All that is said of one run.
std::vector<std::string> tell(const Program& program, const Run& run) {
  journal = {};
  journal.run = run;
  {
    std::unique_ptr<Running> running;
    try {
      running = program.start(run.argument);
      for (int i = 0; i < run.polls; ++i) {
        if (running->poll()) break;
        say("not ready");
      }
    } catch (const std::exception& error) {
      say(error.what());
    }
    say("the end");
  }
  if (journal.alive != 0) say(std::to_string(journal.alive) + " objects are left over");
  return journal.lines;
}

long compared = 0;

// How far the run has come.
struct Length {
  int polls = 0;  // that were not the last one
  int steps = 0;
};
Length compare(const Program& lowered, const Program& oracle, const Run& run) {
  std::vector<std::string> ours = tell(lowered, run);
  Length length{0, journal.steps};
  std::vector<std::string> theirs = tell(oracle, run);
  for (const std::string& line : theirs)
    if (line == "not ready") ++length.polls;
  ++compared;
  if (ours != theirs) {
    auto [our, their] = std::mismatch(ours.begin(), ours.end(), theirs.begin(), theirs.end());
    std::string before;
    for (auto line = our - std::min<std::ptrdiff_t>(5, our - ours.begin()); line != our; ++line)
      before += *line + '\n';
    FAIL_CHECK(lowered.name, " with n = ", run.argument, ", delay ", run.delay,
               ", a fault at step ", run.fault, ", destroyed after ", run.polls, " polls:\n",
               before, our == ours.end() ? "" : *our, "\n… should be:\n",
               their == theirs.end() ? "" : *their);
  }
  return length;
}

template <class Visit>
void for_all(const Visit& visit) {
  const std::vector<Program>& lowered = programs(Side::lowered);
  const std::vector<Program>& oracle = programs(Side::oracle);
  REQUIRE(!lowered.empty());
  REQUIRE(lowered.size() == oracle.size());
  compared = 0;
  for (std::size_t i = 0; i < lowered.size(); ++i) {
    REQUIRE(lowered[i].name == oracle[i].name);
    for (int n = 0; n <= 20; ++n)
      for (int delay = 0; delay < 3; ++delay)
        visit(lowered[i], oracle[i], Run{.argument = n, .delay = delay});
  }
  MESSAGE(lowered.size(), " programs, ", compared, " logs compared");
}

}  // namespace

TEST_CASE("a lowered coroutine does what the compiler's coroutine does") {
  for_all([](const Program& lowered, const Program& oracle, Run run) {
    compare(lowered, oracle, run);
  });
}

TEST_CASE("both end alike what they have begun when they are destroyed after any poll") {
  for_all([](const Program& lowered, const Program& oracle, Run run) {
    if (run.delay == 0) return;  // ready at the first poll
    run.polls = 0;
    while (run.polls < 40 && compare(lowered, oracle, run).polls == run.polls) ++run.polls;
  });
}

TEST_CASE("both end alike what they have begun when any step throws") {
  for_all([](const Program& lowered, const Program& oracle, Run run) {
    if (run.delay == 2 || (run.argument > 4 && run.argument % 6 != 0)) return;  // they are many
    run.fault = 1;
    while (run.fault < 60 && compare(lowered, oracle, run).steps >= run.fault) ++run.fault;
  });
}
