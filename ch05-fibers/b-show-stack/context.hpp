#pragma once
// What the CPU has to be told to go on elsewhere.

#include <cstddef>
#include <cstdint>
#include <span>

// To the CPU, a stack is one register: the address of its top. All else is memory.
struct Context {
  void* stack_pointer;
};
static_assert(offsetof(Context, stack_pointer) == 0);  // switch_x86_64.S, switch_aarch64.S

// Sets the stack pointer to the context's, takes an address from the top of that stack, and goes on
// there. Nobody comes back from here.
extern "C" void wake_up_on(const Context* context);

// A context that wakes up in `function`, on this stack, of which 16 bytes are needed at least (and
// the function's own share). Nothing may return from `function`: nobody has called it.
inline Context prepare(std::span<std::byte> stack, void (*function)()) {
  // Stacks grow down, to lower addresses. Both ABIs want the stack pointer at a multiple of 16
  // where a function is called.
  auto end = reinterpret_cast<std::uintptr_t>(stack.data() + stack.size());
  auto* top = reinterpret_cast<void (**)()>(end / 16 * 16 - 16);
  *top = function;
  return Context{top};
}
