// The guest's unpacking code, as a constant of the packer.
    .section .rodata, "a", @progbits
    .globl fata_unpack_code, fata_unpack_code_end
fata_unpack_code:
    .incbin "unpack.bin"
fata_unpack_code_end:
    .section .note.GNU-stack, "", @progbits
