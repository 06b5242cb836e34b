"""Runs a program with one system call denied, as containers and older kernels deny it:
    python3 refusing.py io_uring_setup PROGRAM [WORD...]"""
import ctypes
import errno
import os
import pathlib
import platform
import struct
import sys

NUMBERS = {
    "io_uring_setup": {"x86_64": 425, "aarch64": 425},
    "landlock_create_ruleset": {"x86_64": 444, "aarch64": 444},
    "seccomp": {"x86_64": 317, "aarch64": 277},
}
NO_NEW_PRIVILEGES, SECCOMP, FILTER = 38, 22, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
REFUSE, ALLOW = 0x00050000 | errno.EPERM, 0x7FFF0000


class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def refusing(call):
    """The words to prepend to a command."""
    return ["python3", str(pathlib.Path(__file__).resolve()), call]


def refuse(number):
    code = [
        (LOAD, 0, 0, 0),
        (JUMP_IF_EQUAL, 0, 1, number),
        (RETURN, 0, 0, REFUSE),
        (RETURN, 0, 0, ALLOW),
    ]
    program = Program(len(code), b"".join(struct.pack("=HBBI", *each) for each in code))
    libc = ctypes.CDLL(None, use_errno=True)
    if (
        libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0
        or libc.prctl(SECCOMP, FILTER, ctypes.byref(program)) != 0
    ):
        sys.exit(f"refusing: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    refuse(NUMBERS[sys.argv[1]][platform.machine()])
    os.execvp(sys.argv[2], sys.argv[2:])
