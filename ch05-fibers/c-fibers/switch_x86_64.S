// x86-64, System V ABI: the first two arguments are in %rdi and %rsi. number(%rdi) is memory, that
// many bytes past the address in the register; the destination is on the right.
//
// Lines that begin with .cfi ("call frame information") make no code. They tell debuggers, and
// whoever looks for the handler of an exception, where a caller's registers are: here, where they
// always are.

#include "context_x86_64.hpp"

        .text
        .globl  switch_context
        .type   switch_context, @function
switch_context:                 // void switch_context(Context* from, const Context* to)
        .cfi_startproc
        movq    %rsp, CONTEXT_RSP(%rdi)
        movq    %rbx, CONTEXT_RBX(%rdi)
        movq    %rbp, CONTEXT_RBP(%rdi)
        movq    %r12, CONTEXT_R12(%rdi)
        movq    %r13, CONTEXT_R13(%rdi)
        movq    %r14, CONTEXT_R14(%rdi)
        movq    %r15, CONTEXT_R15(%rdi)
        stmxcsr CONTEXT_MXCSR(%rdi)
        fnstcw  CONTEXT_X87(%rdi)

        movq    CONTEXT_RSP(%rsi), %rsp  // from here on we are on the other stack
        movq    CONTEXT_RBX(%rsi), %rbx
        movq    CONTEXT_RBP(%rsi), %rbp
        movq    CONTEXT_R12(%rsi), %r12
        movq    CONTEXT_R13(%rsi), %r13
        movq    CONTEXT_R14(%rsi), %r14
        movq    CONTEXT_R15(%rsi), %r15
        ldmxcsr CONTEXT_MXCSR(%rsi)
        fldcw   CONTEXT_X87(%rsi)
        ret                     // to the caller that waits on that stack
        .cfi_endproc
        .size   switch_context, . - switch_context

// Not called, but returned to: it has no caller, and a debugger must not look for one. Debuggers
// look at the byte in front of a return address (where a call would be), so there has to be one, and its
// name is the one that they show.
        .globl  skip
        .type   skip, @function
        .type   before_skip, @function
        .cfi_startproc
        .cfi_undefined rip
before_skip:
        nop
skip:                           // void skip()
        ret                     // to guard, 8 bytes further up
        .cfi_endproc
        .size   skip, . - skip

        .section .note.GNU-stack, "", @progbits  // no code of ours is on any stack
