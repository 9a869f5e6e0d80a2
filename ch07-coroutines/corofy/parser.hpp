#pragma once
// Finds the coroutines of a file, and parses them. What it can't be sure about it refuses.

#include <vector>

#include "reader.hpp"
#include "syntax.hpp"

// In the order of the file. Throws Refusal.
[[nodiscard]] std::vector<Coroutine> parse(const Reader& reader);
