// The suite of a-sum: it links the stage's code, and runs its program.

#include <doctest/doctest.h>

#include "sum.hpp"
#include "testing/program.hpp"

TEST_CASE("three numbers are added") { CHECK(sum(1, 2, 4) == 7); }

TEST_CASE("the program prints the sum") { CHECK(testing::run(STAGE_PROGRAM).out == "6\n"); }
