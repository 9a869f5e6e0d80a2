#pragma once
// Which registers hold after a switch, and back, what they held before it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "context.hpp"

// The registers that the ABI lets a function count on after a call, in the order in which the
// assembly below loads and stores them. (All but the stack pointer: without it nothing comes back.)
#if defined(__x86_64__)
inline constexpr std::array callee_saved = {"rbx", "rbp", "r12", "r13", "r14", "r15"};
#else
inline constexpr std::array callee_saved = {"x19", "x20", "x21", "x22", "x23", "x24", "x25",
                                            "x26", "x27", "x28", "x29", "d8",  "d9",  "d10",
                                            "d11", "d12", "d13", "d14", "d15"};
#endif
using Registers = std::array<std::uint64_t, callee_saved.size()>;

// Loads them from `before`, switches with that function, and stores them to `after` when somebody
// has switched back. It is assembly because a compiler keeps there what it likes, and what a C++
// function between this and the switch has used it has also saved: then it would not show that the
// switch forgets it.
// (.cfi: a stub may throw through it.)
extern "C" void switch_with_registers(Context* from, const Context* to, const Registers* before,
                                      Registers* after,
                                      void (*switch_with)(Context*, const Context*));

#if defined(__x86_64__)
asm(R"(
        .macro  keep register
        pushq   %\register
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset \register, 0
        .endm

        .pushsection .text
        .type   switch_with_registers, @function
switch_with_registers:
        .cfi_startproc
        keep    rbx
        keep    rbp
        keep    r12
        keep    r13
        keep    r14
        keep    r15
        keep    rcx
        movq    (%rdx), %rbx
        movq    8(%rdx), %rbp
        movq    16(%rdx), %r12
        movq    24(%rdx), %r13
        movq    32(%rdx), %r14
        movq    40(%rdx), %r15
        call    *%r8
        popq    %rcx
        movq    %rbx, (%rcx)
        movq    %rbp, 8(%rcx)
        movq    %r12, 16(%rcx)
        movq    %r13, 24(%rcx)
        movq    %r14, 32(%rcx)
        movq    %r15, 40(%rcx)
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbp
        popq    %rbx
        ret
        .cfi_endproc
        .size   switch_with_registers, . - switch_with_registers
        .popsection
)");
#else
asm(R"(
        .macro  all_of pair, single, base, at
        \pair           x19, x20, [\base, \at]
        \pair           x21, x22, [\base, \at + 16]
        \pair           x23, x24, [\base, \at + 32]
        \pair           x25, x26, [\base, \at + 48]
        \pair           x27, x28, [\base, \at + 64]
        \single         x29, [\base, \at + 80]
        \pair           d8, d9, [\base, \at + 88]
        \pair           d10, d11, [\base, \at + 104]
        \pair           d12, d13, [\base, \at + 120]
        \pair           d14, d15, [\base, \at + 136]
        .endm

        .pushsection .text
        .type   switch_with_registers, %function
switch_with_registers:
        .cfi_startproc
        stp     x3, x30, [sp, -176]!
        .cfi_def_cfa_offset 176
        .cfi_rel_offset x30, 8
        .irp    number, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
        .cfi_rel_offset x\number, 16 + (\number - 19) * 8
        .endr
        all_of  stp, str, sp, 16
        all_of  ldp, ldr, x2, 0
        blr     x4
        ldr     x3, [sp]
        all_of  stp, str, x3, 0
        all_of  ldp, ldr, sp, 16
        ldp     x3, x30, [sp], 176
        ret
        .cfi_endproc
        .size   switch_with_registers, . - switch_with_registers
        .popsection
)");
#endif

// A value for each of them, and others for each seed.
inline Registers registers_with(std::uint64_t seed) {
  Registers values{};
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = (seed << 32) + 0x1001 * (i + 1);
  return values;
}

// The names of those that differ.
inline std::string changed(const Registers& before, const Registers& after) {
  std::string names;
  for (std::size_t i = 0; i < before.size(); ++i)
    if (after[i] != before[i]) names.append(names.empty() ? "" : " ").append(callee_saved[i]);
  return names;
}
