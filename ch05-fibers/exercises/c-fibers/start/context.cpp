#include "context.hpp"

#include <stdexcept>

// Stacks grow down, to lower addresses. Both ABIs want the stack pointer at a multiple of 16 where
// a function is called; on x86-64, the call then puts the address to return to there. `stack` may
// end anywhere. Write the part of your CPU; the other one's may throw for ever.
Context prepare(std::span<std::byte> stack, void (*function)(), void (*guard)()) {
  (void)stack, (void)function, (void)guard;
  throw std::logic_error("prepare() is yours to write");
}

// For the stubs in switch_….S: take these away when you have written yours.
extern "C" void switch_context_is_yours_to_write() {
  throw std::logic_error("switch_context() is yours to write");
}
extern "C" void skip_is_yours_to_write() { throw std::logic_error("skip() is yours to write"); }
