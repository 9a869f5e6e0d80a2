// The suite of ch10/x-traps.

#include <doctest/doctest.h>

#include <cstddef>
#include <sstream>
#include <string>
#include <vector>

#include "testing/print.hpp"
#include "testing/program.hpp"

namespace {

// What the program says between these two lines, without the times: "make capture".
std::vector<std::string> story(const std::string& from, const std::string& to) {
  process::Result result = testing::run(STAGE_PROGRAM);
  INFO(result.out, result.err);
  REQUIRE(result.exit.describe() == "exit status 0");
  std::vector<std::string> said;
  std::istringstream lines(result.out.substr(result.out.find(from)));
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line) && (to.empty() || line.find(to) == std::string::npos)) {
    std::istringstream words(line);
    std::string time, unit, verb, subject;
    words >> time >> unit >> verb >> subject;
    said.push_back(verb + " " + subject);
  }
  return said;
}

using Story = std::vector<std::string>;

}  // namespace

TEST_CASE("captures are gone when the coroutine begins; a parameter is not") {
  CHECK(story("1.", "The same") ==
        Story{"make capture", "destroy capture", "call is", "run coroutine"});
  CHECK(story("The same", "2.") ==
        Story{"make parameter", "move parameter", "call is", "run coroutine", "destroy parameter"});
}

TEST_CASE("what a reference leads to is gone when the coroutine begins; a value is not") {
  CHECK(story("2.", "By value") ==
        Story{"make temporary", "destroy temporary", "call is", "run coroutine"});
  CHECK(story("By value", "3.") ==
        Story{"make value", "move value", "call is", "run coroutine", "destroy value"});
}

TEST_CASE("an aggregate that is a temporary of co_await: g++ 12 destroys it twice") {
  Story aggregate = {"make aggregate", "destroy aggregate"};
#if !defined(__clang__) && __GNUC__ == 12
  aggregate.push_back("destroy aggregate");
#endif
  CHECK(story("3.", "A class") == aggregate);
  CHECK(story("A class", "") == Story{"make class", "destroy class"});
}
