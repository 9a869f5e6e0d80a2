#include "context.hpp"

#include <cstdint>

Context prepare(std::span<std::byte> stack, void (*function)(), void (*guard)()) {
  // Stacks grow down, to lower addresses, and the top of one is a multiple of 16 for both ABIs.
  auto end = reinterpret_cast<std::uintptr_t>(stack.data() + stack.size());
  auto* end_of_stack = reinterpret_cast<void (**)()>(end / 16 * 16);
  Context context;
#if defined(__x86_64__)
  // Each `ret` takes one address off the stack: the switch's goes to `function`, the function's
  // to skip, and skip's to guard. Where a function begins, the stack pointer must be 8 off a
  // multiple of 16, as a call has just put 8 bytes there. It is for `function` and, thanks to skip,
  // for guard.
  end_of_stack[-2] = guard;
  end_of_stack[-3] = skip;
  end_of_stack[-4] = function;
  context.rsp = end_of_stack - 4;
#else
  // The switch's `ret` goes to x30, without a look at the stack: to skip, which takes both
  // addresses from there.
  end_of_stack[-1] = guard;
  end_of_stack[-2] = function;
  context.sp = end_of_stack - 2;
  context.x30 = reinterpret_cast<void*>(skip);
#endif
  return context;
}
