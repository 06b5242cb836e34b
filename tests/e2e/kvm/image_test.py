"""What the files of an image promise before they run."""
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
            segments = re.findall(r"^  LOAD .* ([R ][W ][E ]) 0x", output("llvm-readelf-19", "-lW", image(name)), re.MULTILINE)
            self.assertEqual([flags.replace(" ", "") for flags in segments], ["RE", "R", "RW", "RW"], name)

    def test_no_instruction_enters_another_kernel(self):
        for name in NAMES:
            code = output("llvm-objdump-19", "-d", "--no-show-raw-insn", f"{IMAGES}/{name}.elf")
            self.assertGreater(code.count("ret"), 100)
            self.assertEqual(re.findall(r"^.*\t(?:syscall|sysenter|int\s+\$0x80)\b.*$", code, re.MULTILINE), [], name)

    def test_it_is_position_independent_and_needs_no_linker(self):
        for name in NAMES:
            header = output("llvm-readelf-19", "-hl", image(name))
            self.assertIn("DYN (Shared object file)", header)
            self.assertNotIn("INTERP", header)
            self.assertNotIn("eh_frame", output("llvm-readelf-19", "-SW", f"{IMAGES}/{name}.elf"))

    def test_hello_is_at_most_40000_bytes(self):
        self.assertLessEqual(os.path.getsize(image("hello")), 40_000)


if __name__ == "__main__":
    unittest.main()
