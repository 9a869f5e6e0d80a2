// x86-64, System V ABI. The registers are pushed: from the stack pointer up there are the control
// words, r15 to r12, rbp, rbx, and the address to go on at.

        .text
        .globl  switch_context
        .type   switch_context, @function
switch_context:
        .cfi_startproc
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        leaq    -8(%rsp), %rsp
        .cfi_adjust_cfa_offset 8
        stmxcsr (%rsp)
        fnstcw  4(%rsp)
        movq    %rsp, (%rdi)
        movq    (%rsi), %rsp
        ldmxcsr (%rsp)
        fldcw   4(%rsp)
        leaq    8(%rsp), %rsp
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbp
        popq    %rbx
        ret
        .cfi_endproc
        .size   switch_context, . - switch_context

        .globl  skip
        .type   skip, @function
        .cfi_startproc
        .cfi_undefined rip
        nop
skip:
        ret
        .cfi_endproc
        .size   skip, . - skip

        .section .note.GNU-stack, "", @progbits
