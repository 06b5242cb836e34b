"""Promises of an image's files before it runs."""
import os
import re
import subprocess
import unittest

from machine import IMAGES, image

NAMES = ("hello", "probe", "guards")


def output(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


class Image(unittest.TestCase):
    def test_no_segment_is_both_writable_and_executable(self):
        for name in NAMES:
            for file, wanted in (
                (f"{IMAGES}/{name}.elf", ["RE", "R", "RW", "RW"]),
                (image(name), ["RE"]),
            ):
                segments = re.findall(
                    r"^  LOAD .* ([R ][W ][E ]) 0x",
                    output("llvm-readelf-19", "-lW", file),
                    re.MULTILINE,
                )
                self.assertEqual([flags.replace(" ", "") for flags in segments], wanted, file)

    def test_no_instruction_enters_another_kernel(self):
        for name in NAMES:
            code = output("llvm-objdump-19", "-d", "--no-show-raw-insn", f"{IMAGES}/{name}.elf")
            self.assertGreater(code.count("ret"), 100)
            self.assertEqual(
                re.findall(r"^.*\t(?:syscall|sysenter|int\s+\$0x80)\b.*$", code, re.MULTILINE),
                [],
                name,
            )

    def test_it_is_position_independent_and_needs_no_linker(self):
        for name in NAMES:
            header = output("llvm-readelf-19", "-hl", f"{IMAGES}/{name}.elf")
            self.assertIn("DYN (Shared object file)", header)
            self.assertNotIn("INTERP", header)
            self.assertNotIn("eh_frame", output("llvm-readelf-19", "-SW", f"{IMAGES}/{name}.elf"))

    def test_hello_is_at_most_25000_bytes_and_40000_once_unpacked(self):
        self.assertLessEqual(os.path.getsize(image("hello")), 25_000)
        loaded = re.findall(
            r"^  LOAD +0x(\w+) 0x\w+ 0x\w+ 0x(\w+)",
            output("llvm-readelf-19", "-lW", f"{IMAGES}/hello.elf"),
            re.MULTILINE,
        )
        self.assertLessEqual(max(int(place, 16) + int(size, 16) for place, size in loaded), 40_000)


if __name__ == "__main__":
    unittest.main()
