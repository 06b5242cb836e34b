// The targets of the interrupt descriptors: 32 exceptions, then 64 interrupt vectors. Stubs of
// exceptions are 8 bytes long, those of interrupts 5. Each calls its handler, which computes the
// vector from the return address.
    .text
    .globl fata_vectors
    .align 16
fata_vectors:
    vector = 0
    .rept 32
    .align 8
    // Exceptions with an error code: 8, 10 to 14, 17, 21, 29, 30.
    .if ((0x60227d00 >> vector) & 1) == 0
    pushq $0
    .endif
    call exception
    vector = vector + 1
    .endr
    .align 8
interrupt_vectors:
    .rept 64
    call interrupt
    .endr

// Saves all registers (SSE too, because an NMI returns to the interrupted code) and calls
// fata_exception(Frame*).
exception:
    pushq %rax
    pushq %rcx
    leaq fata_vectors(%rip), %rcx
    movq 16(%rsp), %rax
    subq %rcx, %rax
    shrl $3, %eax                   // the return address is within the stub or at its end
    movq %rax, 16(%rsp)
    pushq %rdx
    pushq %rbx
    pushq %rbp
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    cld
    movq %rsp, %rdi
    movq %rsp, %rbx
    subq $512, %rsp
    andq $~15, %rsp
    fxsave64 (%rsp)
    xorl %ebp, %ebp
    call fata_exception
    fxrstor64 (%rsp)
    movq %rbx, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rbp
    popq %rbx
    popq %rdx
    popq %rcx
    popq %rax
    addq $16, %rsp
    iretq

// Interrupts are enabled only while idle, so this only notes that one occurred.
interrupt:
    pushq %rax
    pushq %rcx
    leaq interrupt_vectors + 5(%rip), %rcx
    movq 16(%rsp), %rax
    subl %ecx, %eax
    imull $205, %eax, %eax          // division by 5 of numbers below 1,024
    shrl $10, %eax
    btsq %rax, fata_interrupts_pending(%rip)
    movq fata_local_apic(%rip), %rax
    movl $0, 0xb0(%rax)             // end of interrupt
    popq %rcx
    popq %rax
    addq $8, %rsp
    iretq
    .section .note.GNU-stack, "", @progbits
