// 64-bit Arm, AAPCS64: the first two arguments are in x0 and x1. [x0, number] is memory, that many
// bytes past the address in the register. str stores, ldr loads; stp and ldp do so with two
// registers, 16 bytes.
//
// Lines that begin with .cfi ("call frame information") make no code. They tell debuggers, and
// whoever looks for the handler of an exception, where a caller's registers are: here, where they
// always are.

#include "context_aarch64.hpp"

        .text
        .globl  switch_context
        .type   switch_context, %function
switch_context:                 // void switch_context(Context* from, const Context* to)
        .cfi_startproc
        mov     x9, sp
        str     x9, [x0, CONTEXT_SP]
        stp     x19, x20, [x0, CONTEXT_X19]
        stp     x21, x22, [x0, CONTEXT_X19 + 16]
        stp     x23, x24, [x0, CONTEXT_X19 + 32]
        stp     x25, x26, [x0, CONTEXT_X19 + 48]
        stp     x27, x28, [x0, CONTEXT_X19 + 64]
        stp     x29, x30, [x0, CONTEXT_X29]
        stp     d8, d9, [x0, CONTEXT_D8]
        stp     d10, d11, [x0, CONTEXT_D8 + 16]
        stp     d12, d13, [x0, CONTEXT_D8 + 32]
        stp     d14, d15, [x0, CONTEXT_D8 + 48]

        ldr     x9, [x1, CONTEXT_SP]
        mov     sp, x9          // from here on we are on the other stack
        ldp     x19, x20, [x1, CONTEXT_X19]
        ldp     x21, x22, [x1, CONTEXT_X19 + 16]
        ldp     x23, x24, [x1, CONTEXT_X19 + 32]
        ldp     x25, x26, [x1, CONTEXT_X19 + 48]
        ldp     x27, x28, [x1, CONTEXT_X19 + 64]
        ldp     x29, x30, [x1, CONTEXT_X29]
        ldp     d8, d9, [x1, CONTEXT_D8]
        ldp     d10, d11, [x1, CONTEXT_D8 + 16]
        ldp     d12, d13, [x1, CONTEXT_D8 + 32]
        ldp     d14, d15, [x1, CONTEXT_D8 + 48]
        ret                     // to x30: to the caller that waits on that stack
        .cfi_endproc
        .size   switch_context, . - switch_context

// Not called, but returned to: it has no caller, and a debugger must not look for one.
        .globl  skip
        .type   skip, %function
skip:                           // void skip()
        .cfi_startproc
        .cfi_undefined x30
        ldr     x9, [sp]        // the fiber's function, which needs a register to return to:
        blr     x9              // x30, set by this call
        ldr     x9, [sp, #8]    // guard
        br      x9
        .cfi_endproc
        .size   skip, . - skip

        .section .note.GNU-stack, "", %progbits  // no code of ours is on any stack
