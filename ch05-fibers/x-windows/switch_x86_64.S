// x86-64, Windows: the first two arguments are in %rcx and %rdx. number(%rcx) is memory, that many
// bytes past the address in the register; the destination is on the right. %gs:number is memory,
// too: in this thread's TEB.
//
// Lines that begin with .seh ("structured exception handling") make no code. They tell debuggers,
// and whoever looks for the handler of an exception, where a caller's registers are. A function
// without them, such as switch_context, is taken for a leaf: nothing lies above its return address.

#include "context_x86_64.hpp"

#define TEB_EXCEPTION_LIST 0x00
#define TEB_STACK_BASE 0x08
#define TEB_STACK_LIMIT 0x10
#define TEB_DEALLOCATION_STACK 0x1478

        .text
        .globl  switch_context
switch_context:                 // void switch_context(Context* from, const Context* to)
        movq    %rsp, CONTEXT_RSP(%rcx)
        movq    %rbx, CONTEXT_RBX(%rcx)
        movq    %rbp, CONTEXT_RBP(%rcx)
        movq    %rdi, CONTEXT_RDI(%rcx)
        movq    %rsi, CONTEXT_RSI(%rcx)
        movq    %r12, CONTEXT_R12(%rcx)
        movq    %r13, CONTEXT_R13(%rcx)
        movq    %r14, CONTEXT_R14(%rcx)
        movq    %r15, CONTEXT_R15(%rcx)
        movups  %xmm6, CONTEXT_XMM6(%rcx)
        movups  %xmm7, CONTEXT_XMM6 + 16(%rcx)
        movups  %xmm8, CONTEXT_XMM6 + 32(%rcx)
        movups  %xmm9, CONTEXT_XMM6 + 48(%rcx)
        movups  %xmm10, CONTEXT_XMM6 + 64(%rcx)
        movups  %xmm11, CONTEXT_XMM6 + 80(%rcx)
        movups  %xmm12, CONTEXT_XMM6 + 96(%rcx)
        movups  %xmm13, CONTEXT_XMM6 + 112(%rcx)
        movups  %xmm14, CONTEXT_XMM6 + 128(%rcx)
        movups  %xmm15, CONTEXT_XMM6 + 144(%rcx)
        stmxcsr CONTEXT_MXCSR(%rcx)
        fnstcw  CONTEXT_X87(%rcx)
        movq    %gs:TEB_STACK_BASE, %rax
        movq    %rax, CONTEXT_STACK_BASE(%rcx)
        movq    %gs:TEB_STACK_LIMIT, %rax
        movq    %rax, CONTEXT_STACK_LIMIT(%rcx)
        movq    %gs:TEB_DEALLOCATION_STACK, %rax
        movq    %rax, CONTEXT_DEALLOCATION_STACK(%rcx)
        movq    %gs:TEB_EXCEPTION_LIST, %rax
        movq    %rax, CONTEXT_EXCEPTION_LIST(%rcx)

        movq    CONTEXT_STACK_BASE(%rdx), %rax
        movq    %rax, %gs:TEB_STACK_BASE
        movq    CONTEXT_STACK_LIMIT(%rdx), %rax
        movq    %rax, %gs:TEB_STACK_LIMIT
        movq    CONTEXT_DEALLOCATION_STACK(%rdx), %rax
        movq    %rax, %gs:TEB_DEALLOCATION_STACK
        movq    CONTEXT_EXCEPTION_LIST(%rdx), %rax
        movq    %rax, %gs:TEB_EXCEPTION_LIST
        movq    CONTEXT_RSP(%rdx), %rsp  // from here on we are on the other stack
        movq    CONTEXT_RBX(%rdx), %rbx
        movq    CONTEXT_RBP(%rdx), %rbp
        movq    CONTEXT_RDI(%rdx), %rdi
        movq    CONTEXT_RSI(%rdx), %rsi
        movq    CONTEXT_R12(%rdx), %r12
        movq    CONTEXT_R13(%rdx), %r13
        movq    CONTEXT_R14(%rdx), %r14
        movq    CONTEXT_R15(%rdx), %r15
        movups  CONTEXT_XMM6(%rdx), %xmm6
        movups  CONTEXT_XMM6 + 16(%rdx), %xmm7
        movups  CONTEXT_XMM6 + 32(%rdx), %xmm8
        movups  CONTEXT_XMM6 + 48(%rdx), %xmm9
        movups  CONTEXT_XMM6 + 64(%rdx), %xmm10
        movups  CONTEXT_XMM6 + 80(%rdx), %xmm11
        movups  CONTEXT_XMM6 + 96(%rdx), %xmm12
        movups  CONTEXT_XMM6 + 112(%rdx), %xmm13
        movups  CONTEXT_XMM6 + 128(%rdx), %xmm14
        movups  CONTEXT_XMM6 + 144(%rdx), %xmm15
        ldmxcsr CONTEXT_MXCSR(%rdx)
        fldcw   CONTEXT_X87(%rdx)
        ret                     // to the caller that waits on that stack

// Not called, but returned to, when the shadow space of the fiber's function is still on the stack.
// That is what the .seh lines say, too: whoever looks for its caller finds guard behind 32 bytes.
        .globl  skip
skip:                           // void skip()
        .seh_proc skip
        .seh_stackalloc 32
        .seh_endprologue
        addq    $32, %rsp
        ret                     // to guard
        .seh_endproc
