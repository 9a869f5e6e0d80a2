// Stage ch05/b: what is on the stack that we made? New: we look, byte by byte, before the CPU wakes
// up there and after.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

#include "context.hpp"
#include "narrate/narrate.hpp"
#include "sanitizers.hpp"
#include "show.hpp"
#include "stage/stage.hpp"

namespace {

constexpr std::size_t stack_size = 64 * 1024;
std::byte* stack = nullptr;  // global: nobody calls hello(), so nobody could pass it

void hello();

void show_stack(const void* from) {
  const std::array known = {Known{reinterpret_cast<std::uintptr_t>(&hello), "where hello() begins"},
                            Known{0x0123456789abcdef, "hello()'s variable"}};
  show({stack, stack_size}, from, known);
}

// Nothing calls it: the CPU just finds its address.
void hello() {
  // volatile: in memory, and not just in a register
  volatile std::uint64_t local = 0x0123456789abcdef;
  narrate::say("wake", "hello", "my variable is at ", const_cast<std::uint64_t*>(&local));
  show_stack(const_cast<std::uint64_t*>(&local));
  narrate::print("There is nobody to return to. So this is the end.");
  std::exit(0);
}

void example() {
  auto memory = std::make_unique<std::byte[]>(stack_size);  // all zero
  stack = memory.get();

  std::span<std::byte> block(stack, stack_size);
  Context context = prepare(block, hello);
  narrate::say("start", "main", "the block ends at ", static_cast<void*>(stack + stack_size));
  show_stack(context.stack_pointer);

  StackWatch mine, other(block);
  narrate::say("switch", "main", "the stack pointer becomes ", context.stack_pointer);
  StackWatch::before_switch(mine, other);
  wake_up_on(&context);
}

}  // namespace

int main() { return stage::run(example); }
