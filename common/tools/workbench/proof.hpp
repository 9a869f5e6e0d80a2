#pragma once
// The proofs: what must hold so that a reader can trust an exercise.

#include <cstddef>
#include <string>
#include <vector>

#include "course/map.hpp"
#include "workbench/workbench.hpp"

namespace workbench {

struct Proof {
  const course::Stage* stage;
  std::size_t cases = 0, mistakes = 0;
  std::vector<std::string> problems;  // what does not hold, a line or more each; empty: proved
  std::vector<std::string> skipped;   // what this build cannot show
};

// All stages that a reader writes.
[[nodiscard]] std::vector<const course::Stage*> mechanisms(const course::Map& map);

// For each stage:
// - the exercise is complete: start/, mistakes/, shape.cpp, hints.json;
// - our code passes every case, and so does each solution of another shape: also-right/NAME/ holds
//   the files that it has instead of ours;
// - the stubs (start/, and the rest of ours) compile, have the right shape, and fail at least
//   one case, by assertions only;
// - every mistake applies cleanly, changes at most ten lines, and fails exactly the cases that its
//   header names, with these verdicts;
// - every case fails on the stubs or with a mistake, and hints.json says what that means, with one
//   to three hints and a section of the text;
// - no file of start/ has the solution in it.
[[nodiscard]] std::vector<Proof> prove(const course::Map& map, Workbench& bench,
                                       const std::vector<const course::Stage*>& stages);

}  // namespace workbench
