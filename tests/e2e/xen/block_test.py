"""Fata's disks on a real Xen: the conformance suite, the examples, refusals, a backend that leaves
and returns or leaves for good, and a domain that is saved and restored, or migrated, while it reads
and writes.
"""
import re
import struct
import time
import unittest

from domains import CRASH, LITTLE, POWEROFF, XenTest
from fata import long

SUITE, BLOCK, LOTTERY, BUSY = (
    "tests/e2e/block/image",
    "examples/devices/block",
    "examples/devices/disk-lottery",
    "tests/e2e/xen/busy-disk",
)
REGION = 96 << 10


class Disks(XenTest):
    def disk(self, name, size=1 << 20):
        """A file of the share, which dom0 attaches to a domain through a loop device."""
        with (self.lab.folder / name).open("wb") as file:
            file.truncate(size)
        return name

    def disks(self, *names, access="rw"):
        lines = ", ".join(
            f"'format=raw,vdev=xvd{letter},access={access},target=/lab/{name}'"
            for letter, name in zip("abc", names)
        )
        return f"disk = [{lines}]\n"

    def told(self, app, words="", ends=(POWEROFF, "0"), disks="", **options):
        said = self.said(app, words, ends, without="disk", more=disks, **options)
        return re.sub(r"^\[ *[0-9.]+\] info .*\n", "", said, flags=re.M), said

    def test_the_conformance_suite(self):
        _, said = self.told(
            SUITE, disks=self.disks(self.disk("big.img", 16 << 20), self.disk("small.img"))
        )
        self.assertIn("sizes: 16777216 and 1048576\n", said)
        self.assertRegex(said, r"(?m)^1\d\d\d checks, 0 failures$")

    @long
    def test_the_conformance_suite_in_little_memory(self):
        _, said = self.told(
            SUITE,
            disks=self.disks(self.disk("big.img", 16 << 20), self.disk("small.img"))
            + "memory = 11\n",
        )
        self.assertIn("up to 8 requests of 45056 bytes", said)
        self.assertRegex(said, r"(?m)^1\d\d\d checks, 0 failures$")

    def test_the_lottery_s_draws_survive_its_domains_and_are_in_the_file(self):
        disk, drawn = self.disk("lottery.img"), []
        for draw in (1, 2):
            text, _ = self.told(LOTTERY, disks=self.disks(disk))
            told = re.match(
                r"slot 0, draw (\d+): (\d+)(?:; before: ([\d, ]+))?(; you win)?\nkept\n$", text
            )
            self.assertTrue(told, text)
            self.assertEqual(int(told[1]), draw)
            self.assertEqual(
                [int(number) for number in (told[3] or "").split(", ") if number], drawn
            )
            drawn.insert(0, int(told[2]))
        self.lab.run("sync")
        sector = (self.lab.folder / disk).read_bytes()[:512]
        self.assertEqual((sector[:8], struct.unpack("<Q", sector[16:24])[0]), (b"FATALOT1", 2))
        self.assertEqual(list(sector[24:26]), drawn)

    def test_a_disk_that_is_read_only_is_told_to_be(self):
        text, _ = self.told(BLOCK, disks=self.disks(self.disk("read.img"), access="ro"))
        self.assertIn("2048 sectors of 512 bytes, read-only", text)
        _, said = self.told(LOTTERY, ends=(CRASH, "1"), disks=self.disks("read.img", access="ro"))
        self.assertIn("the draw could not be kept: block: the device is read-only", said)

    def test_a_disk_that_is_missing_is_one_line(self):
        self.assertEqual(
            self.told(BLOCK, ends=(CRASH, "64"))[1],
            (
                "block: cannot set up disk 1, 'disk': xen-blk: this domain has too few disks;"
                " attach one more: disk = [...] of its configuration, or fata run --disk FILE\n"
            ),
        )
        text, _ = self.told(SUITE, ends=(CRASH, "64"), disks=self.disks(self.disk("one.img")))
        self.assertRegex(
            text,
            (
                r"^block-suite: cannot set up disk 2, 'other': xen-blk: this domain has too few"
                r" disks; .+\n$"
            ),
        )

    def rounds(self, name, more, timeout=60):
        """Waits until `more` further rounds have been written."""
        now = lambda: max(
            map(int, re.findall(r"^round (\d+)$", self.lab.console(name), re.M)), default=0
        )
        wanted, end = now() + more, time.monotonic() + 5 * timeout
        while now() < wanted:
            self.assertLess(time.monotonic(), end, self.lab.console(name))
            time.sleep(0.05)

    def ends_with_all_that_it_wrote(self, name, log, disk):
        self.shut_down(name, log)
        self.lab.run("sync")
        held = re.findall(r"^region (\d) holds round (\d+)$", self.lab.console(log), re.M)
        self.assertEqual(len(held), 4, self.lab.console(log))
        data = (self.lab.folder / disk).read_bytes()
        for region, last in ((int(region), int(last)) for region, last in held):
            words = struct.unpack_from(f"<{REGION // 8}Q", data, region * REGION)
            self.assertEqual(
                words, tuple(region << 56 | last << 24 | place for place in range(REGION // 8))
            )

    @long
    def test_reading_and_writing_go_on_through_save_and_restore_and_a_backend_that_comes_back(self):
        disk = self.disk("busy.img")
        name = self.start(BUSY, "", without="disk", more=self.disks(disk) + LITTLE)
        self.rounds(name, 5)
        # A cancelled suspension, as after a failed migration, leaves the disk as it was.
        self.lab.save(name, "saved", goes_on=True)
        self.rounds(name, 5)
        self.assertNotIn("connected again", self.lab.console(name))
        self.lab.save(name, "saved")
        self.lab.restore("saved")
        self.rounds(name, 5)
        self.assertIn("connected again, 0 requests asked for again\n", self.lab.console(name))
        number = self.lab.domains()[name]
        backend = f"/local/domain/0/backend/vbd/{number}/51712"
        # dom0's driver is unbound and bound again. It continues with the existing ring; if its own
        # requests are still in flight, it fails to do so and closes the connection.
        self.lab.run(
            f"cd /sys/bus/xen-backend/drivers/vbd; echo vbd-{number}-51712 >unbind; echo"
            f" vbd-{number}-51712 >bind"
        )
        self.rounds(name, 20)
        again = self.lab.console(name).count("connected again")
        # The backend closes the connection, and the domain requests a new one.
        self.lab.run(f"xenstore-write {backend}/state 5")
        self.rounds(name, 5)
        text = self.lab.console(name)
        self.assertIn("the backend goes away", text)
        self.assertEqual(text.count("connected again"), again + 1, text)
        self.ends_with_all_that_it_wrote(name, name, disk)

    @long
    def test_reading_and_writing_go_on_through_live_migration(self):
        disk = self.disk("moved.img")
        name = self.start(BUSY, "", without="disk", more=self.disks(disk) + LITTLE)
        self.rounds(name, 5)
        arrived = self.lab.migrate(name)
        self.rounds(arrived, 5)
        self.assertIn("connected again, 0 requests asked for again\n", self.lab.console(arrived))
        self.ends_with_all_that_it_wrote(name, arrived, disk)

    def test_a_disk_that_is_detached_fails_what_is_under_way(self):
        name = self.start(BUSY, "", without="disk", more=self.disks(self.disk("gone.img")))
        self.rounds(name, 5)
        self.lab.run(f"xl block-detach {name} xvda", timeout=60)
        self.assertEqual(self.end(name), [CRASH, "1"], self.lab.console(name))
        text = self.lab.console(name)
        self.assertIn("the disk was detached; nothing more is read or written", text)
        self.assertIn("block: the device does not answer any more", text)


if __name__ == "__main__":
    unittest.main()
