"""Each attack on a guard ends the image with one line that names the violation, a backtrace, and
status 125.
"""
import pathlib
import re
import sys
import unittest

from machine import IMAGES, MACHINES, boot

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "guards"))
from attacks import ATTACKS, functions_of  # noqa: E402


class Guards(unittest.TestCase):
    def attack(self, name, machine):
        report, function = ATTACKS[name]
        ended = boot("guards", name, machine=machine)
        self.assertRegex(ended.text, report)
        self.assertNotIn("still alive", ended.text)
        self.assertRegex(
            ended.text, r"backtrace \(image at 0x[0-9a-f]+, addresses of the .elf file\):\n  #0 "
        )
        self.assertEqual(ended.status, 125, ended.text)
        if function:
            self.assertIn(function, functions_of(ended.text, IMAGES + "/guards.elf"))

    def test_every_attack_is_reported_and_ends_the_image(self):
        for name in ATTACKS:
            with self.subTest(name):
                self.attack(name, MACHINES[0])

    def test_a_variable_that_was_not_set_holds_nothing_of_an_earlier_call(self):
        self.assertIn("octets of the secret: 0", boot("guards", "read-unset").lines)
        # An exempt variable shows the secret, which proves that it was on the stack.
        exempt = boot("guards", "read-unset-exempt")
        self.assertGreater(
            int(re.search(r"octets of the secret: (\d+)", exempt.text)[1]), 200, exempt.text
        )

    def test_an_image_that_does_not_come_to_start_for_want_of_memory_says_so_and_no_more(self):
        ended = boot("guards", "at-start exhaust-heap")
        self.assertRegex(
            ended.lines[-1],
            r"^out of memory: 65536 bytes asked, largest free block \d+, used \d+ of \d+ bytes; "
            r"give the guest more memory$",
        )
        self.assertNotIn("backtrace", ended.text)
        self.assertEqual(ended.status, 64, ended.text)

    def test_the_page_tables_lie_elsewhere_in_each_boot(self):
        places = {
            re.search(
                r"wrote to page tables: address (0x[0-9a-f]+),",
                boot("guards", "write-tables", memory="32M").text,
            )[1]
            for _ in range(4)
        }
        self.assertGreater(len(places), 1, places)

    def test_the_machine_s_own_guards_hold_on_pc_and_q35_too(self):
        for machine in MACHINES[1:]:
            for name in (
                "write-code",
                "execute-heap",
                "read-null",
                "overrun-stack",
                "write-tables",
                "read-tables",
            ):
                with self.subTest(machine=machine, name=name):
                    self.attack(name, machine)


if __name__ == "__main__":
    unittest.main()
