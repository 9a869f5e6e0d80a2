#pragma once
// What every stage program that makes no requests promises, checked in the same way in every suite.

#include <string>
#include <vector>

#include "testing/program.hpp"

namespace testing {

// Runs it to its end, which must be a good one, and returns what it narrated, in order: the verb
// and the subject of each line ("done task-2"), without times and texts.
[[nodiscard]] std::vector<std::string> events(const std::string& program,
                                              std::vector<std::string> arguments = {});

// Checks that it ends with exit status 1 and one line on standard error where its output is closed
// or full, whichever thread writes it.
void check_output_errors(const std::string& program);

}  // namespace testing
