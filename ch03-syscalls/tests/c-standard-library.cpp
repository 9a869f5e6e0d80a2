// The suite of ch03/c-standard-library.

#include <doctest/doctest.h>

#include <string>

#include "testing/line_program.hpp"
#include "testing/program.hpp"

TEST_CASE("the program writes its line, and it reaches the kernel in one piece") {
  testing::check_line(STAGE_PROGRAM, "The kernel wrote this line.\n");
}

TEST_CASE("the program notices that its output takes nothing, although a stream does not throw") {
  std::string said = "std::cout cannot write, and does not say why\n";
  testing::check_output_errors(STAGE_PROGRAM, said, said, said);
}
