// The suite of ch01/x-dereference.

#include <doctest/doctest.h>

#include <climits>
#include <filesystem>
#include <string>
#include <vector>

#include "dereference.hpp"
#include "testing/plain_program.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"

TEST_CASE("dereference() returns what is there, all of it, and nothing of its neighbours") {
  const int numbers[] = {INT_MIN, -1, 0, 42, INT_MAX};
  for (const int& number : numbers) CHECK(dereference(&number) == number);
}

TEST_CASE("dereference() reads memory each time, after all that was stored before") {
  // This file is compiled with optimisation: without the clobber, these stores come too late, or
  // are left out, and the CPU reads what was there before.
  int number = 1;
  int first = dereference(&number);
  number = 2;
  int second = dereference(&number);
  number = 3;
  CHECK(first == 1);
  CHECK(second == 2);
  CHECK(dereference(&number) == 3);
}

TEST_CASE("the child is ended by SIGSEGV, and the parent goes on and reads what it read before") {
  CHECK(testing::events(STAGE_PROGRAM) ==
        std::vector<std::string>{"read parent", "start child", "done child", "read parent"});
  process::Result result = testing::run(STAGE_PROGRAM);
  INFO(result.out);
  CHECK(result.out.find("ended by signal 11: Segmentation fault") != std::string::npos);
  std::size_t first = result.out.find("42 at "), second = result.out.rfind("42 at ");
  REQUIRE(first < second);
  CHECK(result.out.substr(first, result.out.find('\n', first) - first) + "\n" ==
        result.out.substr(second));
}

TEST_CASE("the child leaves no core file behind, where others would") {
  testing::TemporaryFolder folder;
  process::Command command = testing::program(STAGE_PROGRAM);
  command.arguments.insert(command.arguments.begin(),
                           {"/bin/sh", "-c", "ulimit -c unlimited && \"$@\"", "sh"});
  command.directory = folder.path();
  process::Result result = process::run(command, testing::patience);
  INFO(result.err);
  REQUIRE(result.exit.describe() == "exit status 0");
  CHECK(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("a signal does not end the wait for the child") {
  process::Result result = testing::run(STAGE_PROGRAM, {}, "waitpid:every:EINTR");
  INFO(result.err);
  CHECK(result.exit.describe() == "exit status 0");
  CHECK(result.out.find("ended by signal 11") != std::string::npos);
}

TEST_CASE("a child that cannot be made, or that nothing stops, is one line and exit status 1") {
  for (auto [fault, line] : {std::pair("fork:1:EAGAIN", "fork: Resource temporarily unavailable\n"),
                             std::pair("mprotect:1:ENOMEM", "nothing has stopped the child\n")}) {
    process::Result result = testing::run(STAGE_PROGRAM, {}, fault);
    CHECK(result.exit.describe() == "exit status 1");
    CHECK(result.err == line);
  }
}

TEST_CASE("the program says in one line what went wrong, and exits with 1") {
  testing::check_output_errors(STAGE_PROGRAM);
}
