#include "testing/plain_program.hpp"

#include <doctest/doctest.h>

#include <sstream>

namespace testing {

std::vector<std::string> events(const std::string& program, std::vector<std::string> arguments) {
  process::Result result = run(program, std::move(arguments));
  INFO(result.out, result.err);
  REQUIRE(result.exit.describe() == "exit status 0");
  std::vector<std::string> seen;
  std::istringstream lines(result.out);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string time, unit, verb, subject;
    if (words >> time >> unit >> verb >> subject && unit == "s")
      seen.push_back(verb + " " + subject);
  }
  return seen;
}

void check_output_errors(const std::string& program_path) {
  for (const char* redirected : {"\"$@\" >&-", "\"$@\" >/dev/full"}) {
    process::Command command = program(program_path);
    command.arguments.insert(command.arguments.begin(), {"/bin/sh", "-c", redirected, "sh"});
    process::Result result = process::run(command, patience);
    INFO(redirected, "; standard error: ", result.err);
    CHECK(result.exit.describe() == "exit status 1");
    bool is_one_line = !result.err.empty() && result.err.find('\n') == result.err.size() - 1;
    CHECK(is_one_line);
  }
}

}  // namespace testing
