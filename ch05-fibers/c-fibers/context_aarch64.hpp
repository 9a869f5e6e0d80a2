// Where a register is in a Context, for switch_aarch64.S as for C++.
#pragma once
#define CONTEXT_SP 0
#define CONTEXT_X19 8   // and x20 to x28 behind it
#define CONTEXT_X29 88  // and x30
#define CONTEXT_D8 104  // and d9 to d15

#ifndef __ASSEMBLER__
#include <cstddef>
#include <cstdint>

// What AAPCS64 lets a function count on after a call: these registers are "callee-saved". All
// others the compiler expects to be overwritten by a call, and switch_context() is one.
struct Context {
  void* sp = nullptr;                 // the stack pointer
  std::uint64_t x19_to_x28[10] = {};  // for any use
  void* x29 = nullptr;                // the frame pointer
  void* x30 = nullptr;                // where to go on: a call puts the address here
  double d8_to_d15[8] = {};           // of the vector registers only these halves are kept
};
static_assert(offsetof(Context, sp) == CONTEXT_SP);
static_assert(offsetof(Context, x19_to_x28) == CONTEXT_X19);
static_assert(offsetof(Context, x29) == CONTEXT_X29);
static_assert(offsetof(Context, x30) == CONTEXT_X29 + 8);
static_assert(offsetof(Context, d8_to_d15) == CONTEXT_D8);
#endif
