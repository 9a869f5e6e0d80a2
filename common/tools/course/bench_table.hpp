#pragma once
// Draws what benches have measured.

#include <string>

#include "course/terminal.hpp"

namespace course {

// The object of `./course bench CHAPTER --json` as a table: each cost with its range, below it the
// peer's and the ratio; and bars, where there is room for them.
[[nodiscard]] std::string bench_table(const std::string& json, const Style& style);

}  // namespace course
