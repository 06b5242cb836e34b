// From the PVH entry (32-bit protected mode, no paging, %ebx = address of the start info; public
// header xen/arch-x86/hvm/start_info.h) to long mode with the first 4 GiB mapped one to one, then
// to C++. Runs at its load address, so every address is computed from the known address of the
// entry.

#define ENTRY_ADDRESS 0x100180
#define HERE(symbol) (ENTRY_ADDRESS + (symbol - fata_start))

    .section .note.Xen, "a", @note
    .align 4
    .long 4, 8, 18                  // name size, value size, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad ENTRY_ADDRESS

    .section .text.start, "ax", @progbits
    .code32
    .globl fata_start
fata_start:
    cld
    cli
    movl $HERE(boot_place), %esi
    movl (%esi), %edi
    addl %esi, %edi                 // %edi: boot memory: six page tables, then the boot stack

    // One to one: PML4 -> PDPT -> four page directories of 2 MiB pages.
    leal 0x1003(%edi), %eax
    movl %eax, (%edi)
    leal 0x2003(%edi), %eax
    movl %eax, 0x1000(%edi)
    addl $0x1000, %eax
    movl %eax, 0x1008(%edi)
    addl $0x1000, %eax
    movl %eax, 0x1010(%edi)
    addl $0x1000, %eax
    movl %eax, 0x1018(%edi)
    xorl %ecx, %ecx
1:  movl %ecx, %eax
    shll $21, %eax
    orl $0x83, %eax                 // present, writable, 2 MiB
    movl %eax, 0x2000(%edi,%ecx,8)
    incl %ecx
    cmpl $2048, %ecx
    jne 1b

    movl %edi, %cr3
    movl %cr4, %eax
    orl $0x620, %eax                // PAE, OSFXSR, OSXMMEXCPT
    movl %eax, %cr4
    movl %ebx, %ebp
    movl $0x80000001, %eax
    cpuid
    andl $(1 << 20), %edx           // no-execute bit offered
    shrl $9, %edx                   // EFER.NXE is bit 11
    orl $0x100, %edx                // EFER.LME
    movl %edx, %esp
    movl $0xc0000080, %ecx
    rdmsr
    orl %esp, %eax
    wrmsr
    movl %cr0, %eax
    andl $~0xc, %eax                // EM, TS off: SSE on
    orl $0x80010023, %eax           // PG, WP, NE, MP, PE
    movl %eax, %cr0

    leal 0xa000(%edi), %esp         // top of the boot stack
    movl $HERE(boot_gdt), %eax
    pushl %eax
    pushw $(boot_gdt_end - boot_gdt - 1)
    lgdt (%esp)
    pushl $8
    movl $HERE(long_mode), %eax
    pushl %eax
    lret

    .align 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff        // 64-bit code
    .quad 0x00cf93000000ffff        // data
boot_gdt_end:
boot_place:
    .long fata_boot_memory - boot_place

    .code64
long_mode:
    movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %eax, %fs
    movl %eax, %gs
    leaq fata_boot_memory(%rip), %rsp
    addq $0xa000, %rsp
    movl %ebp, %edi
    xorl %ebp, %ebp
    call fata_boot
    ud2

// void fata_enter_image(uint64_t cr3, uint64_t stack_top, uint64_t fs_base, uint64_t entry)
// Runs in the only page that both the boot's and the final page tables map one to one.
    .globl fata_enter_image
fata_enter_image:
    movq %rcx, %r8
    movl $0xc0000100, %ecx          // FS base
    movl %edx, %eax
    shrq $32, %rdx
    wrmsr
    movq %rdi, %cr3
    movq %rsi, %rsp
    xorl %ebp, %ebp
    pushq $0                        // the end of every backtrace
    jmpq *%r8

    .section .boot, "aw", @nobits
    .align 4096
    .globl fata_boot_memory
fata_boot_memory:
    .skip 0xa000

// Stacks, each above a guard of 64 KiB that is never mapped there. This is more than a frame of
// prebuilt code, which has no probes, can skip. Code built here probes each page of a large frame.
#define GUARD 0x10000
#define STACK(name, size)  .skip GUARD; .globl fata_stack_##name; fata_stack_##name: .skip size; \
    .globl fata_stack_##name##_top; fata_stack_##name##_top:
    .section .stacks, "aw", @nobits
    .align 4096
    .globl fata_stacks
fata_stacks:
    STACK(main, 0x10000)
    STACK(fault, 0x2000)
    STACK(double_fault, 0x2000)
    STACK(nmi, 0x2000)
    .skip 4096
    .globl fata_stacks_end
fata_stacks_end:
    .section .note.GNU-stack, "", @progbits
