// The suite of ch05/x-windows. STAGE_PROGRAM and STAGE_PROBE are scripts that run programs under
// wine: the stage, and x-windows-probe.cpp, which looks at it from inside.

#include <doctest/doctest.h>

#include <string>

#include "testing/plain_program.hpp"
#include "testing/program.hpp"

namespace {

void check_probe(const std::string& name) {
  process::Result result = testing::run(STAGE_PROBE, {name});
  INFO(result.out);
  CHECK(result.out.find("as it should be\r\n") != std::string::npos);
  CHECK(result.exit.describe() == "exit status 0");
}

void check_ends_in_terminate(const std::string& name) {
  process::Result result = testing::run(STAGE_PROBE, {name});
  INFO(result.out);
  CHECK(result.out.find("terminate: left a fiber\r\n") != std::string::npos);
  CHECK(result.exit.describe() == "exit status 3");
}

}  // namespace

TEST_CASE("two fibers take turns, and both return; Windows' own do the same") {
  process::Result result = testing::run(STAGE_PROGRAM);
  CHECK(result.exit.describe() == "exit status 0");
  CHECK(result.err == "");
  CHECK(result.out ==
        "start     fiber-1\n"
        "start     fiber-2\n"
        "switch    main        to fiber-1\n"
        "step      short       1 of 2\n"
        "switch    fiber-1     to fiber-2\n"
        "step      long        1 of 4\n"
        "switch    fiber-2     to main\n"
        "switch    main        to fiber-1\n"
        "step      short       2 of 2\n"
        "done      fiber-1\n"
        "switch    fiber-1     to fiber-2\n"
        "step      long        2 of 4\n"
        "switch    fiber-2     to main\n"
        "switch    main        to fiber-2\n"
        "step      long        3 of 4\n"
        "switch    fiber-2     to main\n"
        "switch    main        to fiber-2\n"
        "step      long        4 of 4\n"
        "done      fiber-2\n"
        "switch    fiber-2     to main\n"
        "all have returned\n"
        "step      short       1 of 2\n"
        "step      long        1 of 4\n"
        "step      short       2 of 2\n"
        "step      long        2 of 4\n"
        "step      long        3 of 4\n"
        "step      long        4 of 4\n"
        "all have returned, from Windows' fibers, too\n");
}

TEST_CASE("the program says in one line that its output takes nothing, and exits with 1") {
  testing::check_output_errors(STAGE_PROGRAM);
}

TEST_CASE("every register that a function may count on is kept across a switch") {
  check_probe("registers");
}

TEST_CASE("each fiber has floating-point settings of its own") { check_probe("control-words"); }

TEST_CASE("the system knows the limits of the stack that is running") { check_probe("limits"); }

TEST_CASE("a function that a fiber begins with finds the stack as after a call") {
  check_probe("entry");
}

TEST_CASE("a function may overwrite its shadow space, and guard is next all the same") {
  check_probe("shadow-space");
}

TEST_CASE("who looks for the callers of a fiber's function finds skip, guard, and the end") {
  check_probe("callers");
}

TEST_CASE("a function with a frame of many pages works in a fiber") { check_probe("large-frame"); }

TEST_CASE("what is thrown in a fiber is caught in it, before and after a switch") {
  check_probe("exceptions");
}

TEST_CASE("so it is in Windows' own fibers") { check_probe("native-exceptions"); }

TEST_CASE("what leaves a noexcept function of a fiber ends in std::terminate()") {
  check_ends_in_terminate("throw-out-noexcept");
}

TEST_CASE("so does what leaves one of Windows' own fibers") {
  check_ends_in_terminate("throw-out-native");
}
