// 64-bit Arm, AAPCS64: the first two arguments are in x0 and x1. [x0, number] is memory, that many
// bytes past the address in the register. str stores, ldr loads; stp and ldp do so with two
// registers, 16 bytes.
//
// Lines that begin with .cfi ("call frame information") make no code. They tell debuggers, and
// whoever looks for the handler of an exception, where a caller's registers are: here, where they
// always are.

#include "context_aarch64.hpp"

        .text
// void switch_context(Context* from, const Context* to)
//
// Everything that Context has a place for: first all of it to `from`, then all of it from `to`. The
// stack pointer can be stored and loaded by way of x9, which a call may change.
        .globl  switch_context
        .type   switch_context, %function
switch_context:
        .cfi_startproc
        b       switch_context_is_yours_to_write
        .cfi_endproc
        .size   switch_context, . - switch_context

// void skip()
//
// What the first switch to a fiber goes to: calls the fiber's function, so that it can return, and
// then goes on to guard. It finds both where prepare() has put them. Not called, but returned to:
// it has no caller, and a debugger must not look for one.
        .globl  skip
        .type   skip, %function
skip:
        .cfi_startproc
        .cfi_undefined x30
        b       skip_is_yours_to_write
        .cfi_endproc
        .size   skip, . - skip

        .section .note.GNU-stack, "", %progbits  // no code of ours is on any stack
