// long fata_hypercall(unsigned number, a1, a2, a3, a4)
//
// Uses one instruction instead of a call through a page written by the hypervisor, so that no page
// of code is ever written (docs/decisions/xen-without-interrupts.md).
    .text
    .globl fata_hypercall
fata_hypercall:
    movl %edi, %eax
    movq %rsi, %rdi
    movq %rdx, %rsi
    movq %rcx, %rdx
    movq %r8, %r10
    cmpb $0, fata_uses_vmmcall(%rip)
    jne 1f
    vmcall
    ret
1:  vmmcall
    ret
    .section .note.GNU-stack, "", @progbits
