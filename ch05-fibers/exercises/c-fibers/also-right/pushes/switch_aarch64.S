// 64-bit Arm, AAPCS64. The registers are pushed: from the stack pointer up there are x29, x30, x19
// to x28, and d8 to d15.

        .text
        .globl  switch_context
        .type   switch_context, %function
switch_context:
        .cfi_startproc
        stp     x29, x30, [sp, #-160]!
        .cfi_adjust_cfa_offset 160
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        stp     d8, d9, [sp, #96]
        stp     d10, d11, [sp, #112]
        stp     d12, d13, [sp, #128]
        stp     d14, d15, [sp, #144]
        mov     x9, sp
        str     x9, [x0]
        ldr     x9, [x1]
        mov     sp, x9
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     d8, d9, [sp, #96]
        ldp     d10, d11, [sp, #112]
        ldp     d12, d13, [sp, #128]
        ldp     d14, d15, [sp, #144]
        ldp     x29, x30, [sp], #160
        ret
        .cfi_endproc
        .size   switch_context, . - switch_context

        .globl  skip
        .type   skip, %function
skip:
        .cfi_startproc
        .cfi_undefined x30
        ldp     x19, x20, [sp], #16  // the fiber's function, and guard
        blr     x19
        br      x20
        .cfi_endproc
        .size   skip, . - skip

        .section .note.GNU-stack, "", %progbits
