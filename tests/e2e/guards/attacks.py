"""The expected result of each attack on a guard, on every hypervisor: a report, and a function that
its backtrace names.
"""
import re
import subprocess

TRAP = r"fatal: failed check \(trap\) \(vector 6, error 0x0\), code "
# Where an attack succeeds: clang's CFI checks neither the resumption of a coroutine nor a pointer to
# another function of the same type.
CHOSEN = r"panic: code of the attacker's choice ran at "

ATTACKS = {
    "write-code": (r"fatal: wrote to code \(read-only page\): address ", "write_to_code"),
    "write-constants": (
        r"fatal: wrote to read-only data \(read-only page\): address ",
        "write_to_constants",
    ),
    "execute-data": (r"fatal: executed data \(no-execute page\): address ", "execute_data"),
    "execute-heap": (r"fatal: executed heap \(no-execute page\): address ", "execute_heap"),
    "execute-stack": (r"fatal: executed stack \(no-execute page\): address ", "execute_stack"),
    "read-null": (r"fatal: NULL pointer read: address 0x0, ", "read_null"),
    "write-null": (r"fatal: NULL pointer written: address 0x128, ", "write_null"),
    "call-null": (r"fatal: NULL pointer called: address 0x0, ", "call_null"),
    "overrun-stack": (r"fatal: stack overflow \(guard page\): address ", "recurse"),
    "smash-canary": (
        r"panic: stack smashed: a buffer on the stack was overrun \(canary\) at ",
        "smash_canary",
    ),
    # For a check of libc++, the frame that contains the trap is named after the check's message.
    "bounds": (
        r"fatal: failed check \(trap\) \(vector 6, error 0x0\), code ",
        "index out of range",
    ),
    "exhaust-heap": (
        r"panic: out of memory: 65536 bytes asked, largest free block \d+, used \d+ of \d+ bytes; "
        r"give the guest more memory at ",
        "exhaust_heap",
    ),
    "free-twice": (r"panic: memory freed twice at ", "free_twice"),
    "overrun-heap": (r"panic: freed memory is not the heap's, or was overrun at ", "overrun_heap"),
    "write-freed": (
        r"panic: heap is corrupt: a write to freed memory, or beyond a block's end at ",
        "write_to_freed",
    ),
    "write-tables": (r"fatal: page fault: wrote to page tables: address ", "write_to_tables"),
    "read-tables": (r"fatal: page fault: read page tables: address ", "read_tables"),
    "leap-over-guard": (r"fatal: stack overflow \(guard page\): address ", "leap_frame"),
    "divide-by-zero": (r"fatal: division by zero \(vector 0, error 0x0\), code ", "divide_by_zero"),
    "check": (r"panic: the check that fails at guards.cpp:\d+\n", "fail_a_check"),
    "unmapped": (
        r"fatal: page fault: read unmapped memory: address 0x123456789000, ",
        "use_unmapped",
    ),
    "write-vtable": (
        r"fatal: wrote to read-only data \(read-only page\): address ",
        "write_to_table",
    ),
    "forge-vtable-to-data": (TRAP, "forge_table"),
    "forge-vtable-to-function": (TRAP, "forge_table"),
    "forge-vtable-to-middle": (TRAP, "forge_table"),
    "forge-pointer": (TRAP, "forge_pointer"),
    "forge-pointer-of-its-type": (CHOSEN, "run_for_the_attacker"),
    "forge-frame-to-data": (r"fatal: executed data \(no-execute page\): address ", "forge_frame"),
    "forge-frame-to-function": (CHOSEN, "run_for_the_attacker"),
    "non-canonical": (
        r"fatal: general protection \(vector 13, error 0x0\), code ",
        "use_non_canonical",
    ),
}

def functions_of(text, elf):
    """The names of the functions in a backtrace, resolved with the .elf file."""
    addresses = re.findall(r"^  #\d+ (0x[0-9a-f]+) \(image\+0x[0-9a-f]+\)$", text, re.MULTILINE)
    return subprocess.run(
        ["llvm-symbolizer-19", f"--obj={elf}", *addresses],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
