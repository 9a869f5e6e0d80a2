// The suite of ch03/x-windows. STAGE_PROGRAM is a script that runs the program under wine.

#include <doctest/doctest.h>

#include "testing/line_program.hpp"
#include "testing/program.hpp"

TEST_CASE("the program writes its line, byte for byte as on Linux") {
  testing::check_line(STAGE_PROGRAM, "The kernel wrote this line.\n");
}

TEST_CASE("the program says in one line what went wrong, and exits with 1") {
  // What follows are words of the system's, in its language.
  testing::check_output_errors(STAGE_PROGRAM, "WriteFile: ", "WriteFile: ", "WriteFile: ");
}
