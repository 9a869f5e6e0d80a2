#pragma once
// What every stage that prints one line promises as a program, checked in the same way in every
// suite.

#include <string>

namespace testing {

// Checks that it prints this line and nothing else, in a single write.
void check_line(const std::string& program, const std::string& line);

// Checks that it ends with exit status 1 and one line on standard error where its standard output
// takes nothing: the line says `closed` if that is closed, `full` if it is a full disk, and
// `broken` if it is a pipe that nobody reads any more.
void check_output_errors(const std::string& program, const std::string& closed,
                         const std::string& full, const std::string& broken);

}  // namespace testing
