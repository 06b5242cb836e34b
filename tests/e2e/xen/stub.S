/* The smallest guest: prints its command line on the console and ends as the first letter selects:
   p powers off, c crashes, r reboots, t triple-faults, w waits forever. PVH: entered in flat 32-bit
   mode with %ebx at the start information. */
    .code32
    .section .note.Xen, "a", @note
    .long 4, 4, 18              /* XEN_ELFNOTE_PHYS32_ENTRY */
    .asciz "Xen"
    .long start

    .section .text.start, "ax"
    .globl start
start:
    cld
    movl $stack_top, %esp
    movl 24(%ebx), %ebp         /* the command line */
    movl $0x40000002, %eax      /* which MSR takes the address of the hypercall page */
    cpuid
    movl %ebx, %ecx
    movl $hypercalls, %eax
    xorl %edx, %edx
    wrmsr
    movl $17, %eax              /* HVM_PARAM_CONSOLE_PFN */
    call parameter
    shll $12, %eax
    movl %eax, %edi
    movl $18, %eax              /* HVM_PARAM_CONSOLE_EVTCHN */
    call parameter
    movl %eax, port
    movl $hello, %esi
    call say
    movl %ebp, %esi
    call say
    movl $newline, %esi
    call say
    movl $4, %ebx               /* EVTCHNOP_send */
    movl $port, %ecx
    movl $32, %eax
    call hypercall
    movb (%ebp), %al
    xorl %edx, %edx
    cmpb $'p', %al
    je end
    incl %edx
    cmpb $'r', %al
    je end
    movl $3, %edx
    cmpb $'c', %al
    je end
    cmpb $'t', %al
    je triple
1:  movl $29, %eax              /* sched_op: block */
    movl $1, %ebx
    xorl %ecx, %ecx
    call hypercall
    jmp 1b
end:
    movl %edx, reason
    movl $29, %eax              /* sched_op: shutdown */
    movl $2, %ebx
    movl $reason, %ecx
    call hypercall
triple:
    lidt none
    ud2

hypercall:                      /* %eax: number; %ebx, %ecx: arguments */
    shll $5, %eax
    addl $hypercalls, %eax
    jmp *%eax

parameter:                      /* %eax: which; its value to %eax */
    movl %eax, asked + 4
    movl $34, %eax              /* hvm_op: get_param */
    movl $1, %ebx
    movl $asked, %ecx
    call hypercall
    movl asked + 8, %eax
    ret

/* %esi: text; %edi: the console ring, whose 2 KiB of output follow 1 KiB of input. */
say:
    movl 3084(%edi), %ecx
1:  lodsb
    testb %al, %al
    jz 2f
    movl %ecx, %edx
    andl $2047, %edx
    movb %al, 1024(%edi, %edx)
    incl %ecx
    jmp 1b
2:  movl %ecx, 3084(%edi)
    ret

    .section .data
hello: .asciz "stub: "
newline: .asciz "\r\n"
    .balign 8
asked: .word 0x7ff0, 0          /* DOMID_SELF */
    .long 0
    .quad 0
port: .long 0
reason: .long 0
none: .word 0
    .long 0

    .section .bss
    .balign 4096
hypercalls: .skip 4096
    .skip 4096
stack_top:
