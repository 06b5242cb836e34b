// A packed image's PVH entry: 32-bit protected mode, no paging, no stack, %ebx = address of the
// start info. This code moves itself after the image's memory, unpacks the image to its address,
// and enters it with the same state. Nothing is mapped, so nothing has to be unmapped.

// The packer's load address (pack.cpp), and the offsets of the header fields (packed.hpp) that it
// fills in.
#define LOADED 0x1000c8
#define WORDS 4
#define PLACE 8
#define END 12
#define ENTRY 24
#define HEADER_SIZE 32
#define HERE(symbol) (LOADED + (symbol - header))

    .section .text.start, "ax", @progbits
    .code32
header:
    .skip HEADER_SIZE
    cld
    cli
    movl $LOADED, %ebp
    movl %ebp, %esp                             // over the ELF header, which is not read again
    movl %ebx, %eax
    movl %ebp, %edx
    call check_image                            // a Verdict
    decl %eax
    js 1f
    movl $HERE(damaged), %eax
    jz refuse
    movl $HERE(too_little), %eax
    jmp refuse

1:  movl %ebp, %esi
    movl PLACE(%ebp), %edi
    movl WORDS(%ebp), %ecx
    incl %ecx                                   // and the checksum itself
    movl END(%ebp), %esp
    movl %edi, %ebp
    rep movsl
    leal moved - header(%ebp), %eax
    jmpl *%eax
moved:
    movl %ebp, %eax
    movl %edi, %edx                             // memory to work in
    call unpack_image
    jmpl *ENTRY(%ebp)

damaged:
    .asciz "this kernel image is damaged: its checksum is wrong; copy or build it again\n"
too_little:
    .asciz "too little memory: the image does not fit; give the guest 2 MiB or more\n"
    .section .note.GNU-stack, "", @progbits
