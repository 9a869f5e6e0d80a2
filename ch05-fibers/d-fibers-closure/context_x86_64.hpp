// Where a register is in a Context, for switch_x86_64.S as for C++.
#pragma once
#define CONTEXT_RSP 0
#define CONTEXT_RBX 8
#define CONTEXT_RBP 16
#define CONTEXT_R12 24
#define CONTEXT_R13 32
#define CONTEXT_R14 40
#define CONTEXT_R15 48
#define CONTEXT_MXCSR 56
#define CONTEXT_X87 60

#ifndef __ASSEMBLER__
#include <cstddef>
#include <cstdint>

// What the System V ABI lets a function count on after a call: these registers are "callee-saved".
// All others the compiler expects to be overwritten by a call, and switch_context() is one. The
// address to go on at is not here: the call has put it on the stack.
struct Context {
  void* rsp = nullptr;  // the stack pointer
  std::uint64_t rbx = 0, rbp = 0, r12 = 0, r13 = 0, r14 = 0, r15 = 0;
  // How floating-point numbers are rounded, in SSE and in the old x87, and which errors count. The
  // values are those that a process starts with.
  std::uint32_t mxcsr = 0x1f80;
  std::uint16_t x87 = 0x037f;
};
static_assert(offsetof(Context, rsp) == CONTEXT_RSP);
static_assert(offsetof(Context, rbx) == CONTEXT_RBX);
static_assert(offsetof(Context, rbp) == CONTEXT_RBP);
static_assert(offsetof(Context, r12) == CONTEXT_R12);
static_assert(offsetof(Context, r13) == CONTEXT_R13);
static_assert(offsetof(Context, r14) == CONTEXT_R14);
static_assert(offsetof(Context, r15) == CONTEXT_R15);
static_assert(offsetof(Context, mxcsr) == CONTEXT_MXCSR);
static_assert(offsetof(Context, x87) == CONTEXT_X87);
#endif
