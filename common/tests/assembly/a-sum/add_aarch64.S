// long add(long a, long b): AAPCS64 passes a in x0, b in x1; the result is in x0.
        .text
        .globl  add
        .type   add, %function
add:
        add     x0, x0, x1
        ret
        .size   add, . - add
        .section .note.GNU-stack, "", %progbits
