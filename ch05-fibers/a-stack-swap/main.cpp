// Stage ch05/a: what is a stack, to the CPU? New: we set the stack pointer to memory of our own,
// and the program wakes up there.

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <span>

#include "context.hpp"
#include "narrate/narrate.hpp"
#include "sanitizers.hpp"
#include "stage/stage.hpp"

namespace {

constexpr std::size_t stack_size = 64 * 1024;
std::byte* stack = nullptr;  // global: nobody calls hello(), so nobody could pass it

// Nothing calls it: the CPU just finds its address.
void hello() {
  auto* frame = static_cast<std::byte*>(__builtin_frame_address(0));
  narrate::say("wake", "hello", "my frame is at ", frame, ", ", stack + stack_size - frame,
               " bytes below the end of the block");
  narrate::print("There is nobody to return to. So this is the end.");
  std::exit(0);
}

void example() {
  auto memory = std::make_unique_for_overwrite<std::byte[]>(stack_size);
  stack = memory.get();
  narrate::say("start", "main", "my frame is at ", __builtin_frame_address(0),
               ", the block ends at ", stack + stack_size);

  std::span<std::byte> block(stack, stack_size);
  Context context = prepare(block, hello);
  StackWatch mine, other(block);
  narrate::say("switch", "main", "the stack pointer becomes ", context.stack_pointer);
  StackWatch::before_switch(mine, other);
  wake_up_on(&context);
}

}  // namespace

int main() { return stage::run(example); }
