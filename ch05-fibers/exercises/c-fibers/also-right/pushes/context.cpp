#include "context.hpp"

#include <cstdint>

Context prepare(std::span<std::byte> stack, void (*function)(), void (*guard)()) {
  auto end = reinterpret_cast<std::uintptr_t>(stack.data() + stack.size()) / 16 * 16;
  auto* top = reinterpret_cast<std::uint64_t*>(end);
  auto push = [&](auto value) { *--top = std::uint64_t(value); };
  auto address = [](void (*code)()) { return reinterpret_cast<std::uint64_t>(code); };
#if defined(__x86_64__)
  push(0);  // so that the stack is aligned below
  push(address(guard));
  push(address(skip));
  push(address(function));
  for (int i = 0; i < 6; ++i) push(0);         // rbx to r15
  push(std::uint64_t{0x037f} << 32 | 0x1f80);  // x87, mxcsr
#else
  push(address(guard));
  push(address(function));
  for (int i = 0; i < 18; ++i) push(0);  // d15 to d8, x28 to x19
  push(address(skip));                   // x30
  push(0);                               // x29
#endif
  return Context{top};
}
