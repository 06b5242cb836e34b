// The smallest guest with a PVH note: writes "hello" to the serial port and exits.
// bench/guest_start.py compares an image's start time with it.
        .section .note.Xen, "a", @note
        .long 4, 4, 18          // XEN_ELFNOTE_PHYS32_ENTRY
        .asciz "Xen"
        .long start

        .text
        .code32
        .globl start
start:  movl $text, %esi
        movw $0x3f8, %dx
1:      lodsb
        testb %al, %al
        jz 2f
        outb %al, %dx
        jmp 1b
2:      movw $0xf4, %dx         // isa-debug-exit
        movl $1, %eax
        outl %eax, %dx
3:      hlt
        jmp 3b

        .section .rodata
text:   .asciz "hello\n"
