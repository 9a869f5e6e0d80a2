#include "context.hpp"

#include <cstdint>

Context prepare(std::span<std::byte> stack, void (*function)(), void (*guard)()) {
  // Stacks grow down, to lower addresses, and the top of one is a multiple of 16.
  auto end = reinterpret_cast<std::uintptr_t>(stack.data() + stack.size());
  auto* end_of_stack = reinterpret_cast<void (**)()>(end / 16 * 16);
  Context context;
  // Each `ret` takes one address off the stack: the switch's goes to `function`, that one's to
  // skip, and skip's to guard. Where a function begins, the stack pointer is a multiple of 16 and 8
  // more, as a call has just put 8 bytes there. Above these 8 bytes lie 32 that the function may
  // write to, its shadow space: skip's address has them above it, and so has guard's return
  // address, a null, where whoever looks for callers stops.
  end_of_stack[-5] = nullptr;
  end_of_stack[-6] = guard;
  end_of_stack[-11] = skip;
  end_of_stack[-12] = function;
  context.rsp = end_of_stack - 12;
  context.stack_base = end_of_stack;
  context.stack_limit = context.deallocation_stack = stack.data();
  return context;
}
