// The suite of ch05/a-stack-swap.

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "context.hpp"
#include "sanitizers.hpp"
#include "testing/plain_program.hpp"
#include "testing/print.hpp"
#include "testing/program.hpp"

namespace {

// The number behind these words.
std::uintptr_t number_after(const std::string& text, const std::string& words) {
  std::size_t at = text.find(words);
  REQUIRE_MESSAGE(at != std::string::npos, words);
  return std::stoull(text.substr(at + words.size()), nullptr, 0);
}

// Ends the process with a status that says where the function's frame is.
std::uintptr_t block_begins, block_ends;
void tell_where_we_are() {
  auto frame = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  bool inside = frame > block_begins && frame < block_ends;
  ::_exit(inside ? static_cast<int>(frame % 16) : 99);
}

}  // namespace

TEST_CASE("the program wakes up on the stack that it has made, and its figures agree") {
  CHECK(testing::events(STAGE_PROGRAM) ==
        std::vector<std::string>{"start main", "switch main", "wake hello"});
  std::string out = testing::run(STAGE_PROGRAM).out;
  INFO(out);
  constexpr std::uintptr_t size = 64 * 1024;
  std::uintptr_t end = number_after(out, "the block ends at ");
  std::uintptr_t mains = number_after(out, "main        my frame is at ");
  std::uintptr_t frame = number_after(out, "hello       my frame is at ");
  CHECK(number_after(out, "the stack pointer becomes ") == end / 16 * 16 - 16);
  CHECK((mains < end - size || mains >= end));
  CHECK((frame > end - size && frame < end));
  std::string distance = ", " + std::to_string(end - frame) + " bytes below the end of the block\n";
  CHECK(out.find(distance) != std::string::npos);
}

TEST_CASE("a function wakes up inside the stack, which is aligned, wherever the stack ends") {
  for (std::size_t more = 0; more < 16; ++more) {
    CAPTURE(more);
    std::vector<std::byte> block(32 * 1024 + more);
    std::span<std::byte> stack = std::span(block).subspan(more);
    block_begins = reinterpret_cast<std::uintptr_t>(stack.data());
    block_ends = block_begins + stack.size();
    pid_t child = ::fork();
    REQUIRE(child != -1);
    if (child == 0) {
      Context context = prepare(stack, tell_where_we_are);
      StackWatch mine, other(stack);
      StackWatch::before_switch(mine, other);
      wake_up_on(&context);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  }
}

TEST_CASE("the program says in one line what went wrong, and exits with 1") {
  testing::check_output_errors(STAGE_PROGRAM);
}
