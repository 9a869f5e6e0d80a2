// 64-bit Arm, AAPCS64: the first argument is in x0. An operand in brackets is memory at the address
// in that register; the destination is on the left.

        .text
        .globl  wake_up_on
        .type   wake_up_on, %function
wake_up_on:                     // void wake_up_on(const Context* context)
        ldr     x9, [x0]        // context->stack_pointer
        mov     sp, x9          // from here on we are on the other stack
        ldr     x30, [sp], #16  // takes an address from the top of the stack, in steps of 16 bytes
        ret                     // goes where x30 says: a return needs no stack on this CPU
        .size   wake_up_on, . - wake_up_on

        .section .note.GNU-stack, "", %progbits  // no code of ours is on any stack
