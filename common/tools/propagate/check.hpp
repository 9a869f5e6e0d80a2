#pragma once
// Finds copies that have drifted: places where a stage differs from its predecessor, and nothing
// that the stage is about can be the reason.

#include <string>
#include <vector>

#include "course/map.hpp"

namespace propagate {

struct Findings {
  std::vector<std::string> drift;     // each with the path and what is wrong
  std::vector<std::string> warnings;  // about stubs, which nobody but a person can judge
  std::size_t stages = 0;             // that were looked at
};

// Drift is
// - a file that differs from its predecessor's only in comments or blank space (the comment that
//   main.cpp opens with may differ),
// - a line that stands in the stage before and in the stage after in the same words and at the same
//   place, while the one between has other words there, or nothing. An #include that is missing
//   there is none: a stage includes what it uses.
// A warning is a file in start/ that is neither the stage's nor recognisable as a stub of it: fewer
// than half of its lines stand in the stage's file.
[[nodiscard]] Findings check(const course::Map& map);

}  // namespace propagate
