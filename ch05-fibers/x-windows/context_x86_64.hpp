// Where a register is in a Context, for switch_x86_64.S as for C++.
#pragma once
#define CONTEXT_RSP 0
#define CONTEXT_RBX 8
#define CONTEXT_RBP 16
#define CONTEXT_RDI 24
#define CONTEXT_RSI 32
#define CONTEXT_R12 40
#define CONTEXT_R13 48
#define CONTEXT_R14 56
#define CONTEXT_R15 64
#define CONTEXT_XMM6 72  // and xmm7 to xmm15 behind it
#define CONTEXT_STACK_BASE 232
#define CONTEXT_STACK_LIMIT 240
#define CONTEXT_DEALLOCATION_STACK 248
#define CONTEXT_EXCEPTION_LIST 256
#define CONTEXT_MXCSR 264
#define CONTEXT_X87 268

#ifndef __ASSEMBLER__
#include <cstddef>
#include <cstdint>

// What the Windows x64 ABI lets a function count on after a call: these registers are
// "nonvolatile", Microsoft's word for callee-saved. All others the compiler expects to be
// overwritten by a call, and switch_context() is one. The address to go on at is not here: the call
// has put it on the stack.
struct Context {
  void* rsp = nullptr;  // the stack pointer
  std::uint64_t rbx = 0, rbp = 0, rdi = 0, rsi = 0, r12 = 0, r13 = 0, r14 = 0, r15 = 0;
  std::uint64_t xmm6_to_xmm15[10][2] = {};  // whole vector registers, 16 bytes each
  // Where this stack is. The system keeps that for each thread, in its TEB (thread environment
  // block), and trusts that more than the stack pointer.
  void* stack_base = nullptr;          // the end at the high addresses
  void* stack_limit = nullptr;         // how far down there is memory
  void* deallocation_stack = nullptr;  // how far down it may grow
  // A list of exception handlers, through the stack; -1 is its end. Programs for x64 have tables
  // instead, but wine keeps handlers of its own there. It takes those at lower addresses than the
  // stack pointer for the innermost ones, and would ask those of another stack first.
  std::uint64_t exception_list = UINT64_MAX;
  // How floating-point numbers are rounded, in SSE and in the old x87, and which errors count. The
  // values are those that a program built with mingw-w64 starts with.
  std::uint32_t mxcsr = 0x1f80;
  std::uint16_t x87 = 0x037f;
};
static_assert(offsetof(Context, rsp) == CONTEXT_RSP);
static_assert(offsetof(Context, rbx) == CONTEXT_RBX);
static_assert(offsetof(Context, rbp) == CONTEXT_RBP);
static_assert(offsetof(Context, rdi) == CONTEXT_RDI);
static_assert(offsetof(Context, rsi) == CONTEXT_RSI);
static_assert(offsetof(Context, r12) == CONTEXT_R12);
static_assert(offsetof(Context, r13) == CONTEXT_R13);
static_assert(offsetof(Context, r14) == CONTEXT_R14);
static_assert(offsetof(Context, r15) == CONTEXT_R15);
static_assert(offsetof(Context, xmm6_to_xmm15) == CONTEXT_XMM6);
static_assert(offsetof(Context, stack_base) == CONTEXT_STACK_BASE);
static_assert(offsetof(Context, stack_limit) == CONTEXT_STACK_LIMIT);
static_assert(offsetof(Context, deallocation_stack) == CONTEXT_DEALLOCATION_STACK);
static_assert(offsetof(Context, exception_list) == CONTEXT_EXCEPTION_LIST);
static_assert(offsetof(Context, mxcsr) == CONTEXT_MXCSR);
static_assert(offsetof(Context, x87) == CONTEXT_X87);
#endif
