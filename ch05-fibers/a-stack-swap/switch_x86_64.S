// x86-64, System V ABI: the first argument is in %rdi. An operand in parentheses is memory at the
// address in that register; the destination is on the right.

        .text
        .globl  wake_up_on
        .type   wake_up_on, @function
wake_up_on:                     // void wake_up_on(const Context* context)
        movq    (%rdi), %rsp    // context->stack_pointer: from here on we are on the other stack
        ret                     // takes an address from the top of the stack, and goes there
        .size   wake_up_on, . - wake_up_on

        .section .note.GNU-stack, "", @progbits  // no code of ours is on any stack
