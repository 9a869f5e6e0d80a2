// The suite of ch05/b-show-stack. How one wakes up on such a stack is judged by the suite of a.

#include <doctest/doctest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "sanitizers.hpp"
#include "testing/plain_program.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"

namespace {

// A line of the picture: "0x55f4acf0a060  end - 16    17 3a 9e 8e f4 55 00 00   what is known".
struct Word {
  std::uintptr_t value = 0;
  std::string remark;
};
struct Picture {
  std::map<std::uintptr_t, Word, std::greater<>> words;  // by their distance from the end
  bool in_order = true;  // the addresses go down by 8, and each is its distance from the end
};

std::uintptr_t number_after(const std::string& text, const std::string& words) {
  std::size_t at = text.find(words);
  REQUIRE_MESSAGE(at != std::string::npos, words);
  return std::stoull(text.substr(at + words.size()), nullptr, 0);
}

// What is shown in this part of the output.
Picture picture(const std::string& part, std::uintptr_t end) {
  Picture seen;
  std::uintptr_t expected = (end - 8) / 8 * 8;
  std::istringstream lines(part);
  for (std::string line; std::getline(lines, line);) {
    line.erase(0, line.find_first_not_of(' '));
    if (!line.starts_with("0x")) continue;
    std::istringstream fields(line);
    std::uintptr_t address = 0, distance = 0;
    std::string from, minus;
    fields >> std::hex >> address >> from >> minus >> std::dec >> distance;
    seen.in_order = seen.in_order && address == expected && distance == end - address;
    expected -= 8;
    Word word;
    for (int i = 0; i < 8; ++i) {
      std::uintptr_t byte = 0;
      fields >> std::hex >> byte;
      word.value |= byte << (8 * i);  // the lowest byte comes first, on both CPUs
    }
    std::getline(fields >> std::ws, word.remark);
    seen.words[distance] = word;
  }
  return seen;
}

}  // namespace

TEST_CASE("the program shows the stack before and after it wakes up there, word by word") {
  CHECK(testing::events(STAGE_PROGRAM) ==
        std::vector<std::string>{"start main", "switch main", "wake hello"});
  std::string out = testing::run(STAGE_PROGRAM).out;
  INFO(out);
  std::uintptr_t end = number_after(out, "the block ends at ");
  std::uintptr_t top = number_after(out, "the stack pointer becomes ");
  [[maybe_unused]] std::uintptr_t variable = number_after(out, "my variable is at ");
  std::size_t wake = out.find("wake ");
  Picture before = picture(out.substr(0, wake), end);
  Picture after = picture(out.substr(wake), end);

  CHECK(before.in_order);
  CHECK(top == end / 16 * 16 - 16);
  CHECK(before.words.size() == (end - top) / 8);
  CHECK(before.words[end - top].remark == "where hello() begins");
  CHECK(before.words[end - top].value != 0);

#ifdef FIBERS_ASAN
  MESSAGE("no look at hello()'s part of it: AddressSanitizer keeps variables elsewhere");
#else
  CHECK(after.in_order);
  CHECK(variable < end);
  CHECK(after.words.size() == (end - variable) / 8);
  CHECK(after.words[end - variable].value == 0x0123456789abcdef);
  CHECK(after.words[end - variable].remark == "hello()'s variable");
#endif
}

TEST_CASE("the program says in one line what went wrong, and exits with 1") {
  testing::check_output_errors(STAGE_PROGRAM);
}
