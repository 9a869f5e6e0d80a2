// x86-64, System V ABI: the first two arguments are in %rdi and %rsi. number(%rdi) is memory, that
// many bytes past the address in the register; the destination is on the right.
//
// Lines that begin with .cfi ("call frame information") make no code. They tell debuggers, and
// whoever looks for the handler of an exception, where a caller's registers are: here, where they
// always are.

#include "context_x86_64.hpp"

        .text
// void switch_context(Context* from, const Context* to)
//
// Everything that Context has a place for: first all of it to `from`, then all of it from `to`. The
// stack pointer is saved as it is where this function begins: the address to return to is on top.
        .globl  switch_context
        .type   switch_context, @function
switch_context:
        .cfi_startproc
        jmp     switch_context_is_yours_to_write@PLT
        .cfi_endproc
        .size   switch_context, . - switch_context

// void skip()
//
// Lies on the stack between a fiber's function and guard(), and has to do nothing but go on to
// guard. Not called, but returned to: it has no caller, and a debugger must not look for one.
// Debuggers look at the byte in front of a return address (where a call would be), so there has to
// be one.
        .globl  skip
        .type   skip, @function
        .cfi_startproc
        .cfi_undefined rip
        nop
skip:
        jmp     skip_is_yours_to_write@PLT
        .cfi_endproc
        .size   skip, . - skip

        .section .note.GNU-stack, "", @progbits  // no code of ours is on any stack
