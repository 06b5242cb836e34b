"""Machines that continue from one snapshot. Each then draws its own random values, and its clock
agrees with the machine's. FATA_CLONES sets the number of clones of each kind."""
import calendar
import os
import re
import tempfile
import time
import unittest

from machine import MACHINES, Running, restored

CLONES = int(os.environ.get("FATA_CLONES", "3"))
ID = ("-device", "vmgenid,guid=auto")
WITH_ID = [(machine, ID) for machine in MACHINES[1:]]
WITHOUT_ID = [(machine, ()) for machine in MACHINES]


class Clones(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.snapshot = os.path.join(folder.name, "snapshot")

    def clones(self, words, said, **options):
        """Yields the output of each clone, which ends when the last of `words` waits. The snapshot
        is taken after `said`.
        """
        with Running("probe", words, **options) as original:
            original.wait_for(said)
            original.save(self.snapshot)
        extra = (*options.pop("extra", ()), *restored(self.snapshot))
        for _ in range(CLONES):
            with Running("probe", words, extra=extra, **options) as clone:
                clone.wait_for("waiting")
                yield clone.text

    def test_each_draws_its_own_random_bytes(self):
        for machine, extra in WITH_ID + WITHOUT_ID:
            with self.subTest(machine=machine, extra=extra):
                drawn = []
                for text in self.clones(
                    "random sleep=2000 random random wait", "random ", machine=machine, extra=extra
                ):
                    drawn += re.findall("random ([0-9a-f]{32})", text)
                self.assertEqual(len(drawn), 2 * CLONES)
                self.assertEqual(len(set(drawn)), len(drawn))

    def test_each_renews_its_secrets_once_though_it_idles(self):
        for machine, extra in WITH_ID + WITHOUT_ID:
            with self.subTest(machine=machine, extra=extra):
                secrets = []
                with Running("probe", "watch wait", machine=machine, extra=extra) as original:
                    original.wait_for("waiting")
                    original.save(self.snapshot)
                # Without a generation ID, a clone is detected by a jump of the clocks.
                time.sleep(2)
                for _ in range(CLONES):
                    with Running(
                        "probe",
                        "watch wait",
                        machine=machine,
                        extra=(*extra, *restored(self.snapshot)),
                    ) as clone:
                        clone.wait_for("renewed ")
                        clone.type(b"\x03")
                        secrets += re.findall("renewed ([0-9a-fx]{32,})", clone.end().text)
                self.assertEqual(len(secrets), CLONES)
                self.assertEqual(len(set(secrets)), CLONES)

    def test_a_pause_renews_nothing_where_the_machine_has_an_id(self):
        with Running("probe", "watch wait", machine="q35", extra=ID) as running:
            running.wait_for("waiting")
            running.control("stop")
            time.sleep(3)
            running.control("cont")
            time.sleep(2)
            running.type(b"\x03")
            self.assertNotIn("renewed", running.end().text)

    def test_the_wall_clock_is_the_machine_s_within_100_ms(self):
        """The reference is the battery clock, which QEMU sets to whole seconds at its start."""
        for machine, extra in WITH_ID[1:] + WITHOUT_ID[:1]:
            with self.subTest(machine=machine, extra=extra):
                words = "watch random sleep=1500 " + "sleep=700 wall " * 5 + "sleep=500 wait"
                with Running("probe", words, machine=machine, extra=extra) as original:
                    original.wait_for("random ")
                    original.save(self.snapshot)
                time.sleep(3)
                with Running(
                    "probe", words, machine=machine, extra=(*extra, *restored(self.snapshot))
                ) as clone:
                    walls = []
                    while len(walls) < 5:
                        clone.wait_for_more("wall ")
                        said = re.findall(r"wall (\d+\.\d+)\n", clone.text)[len(walls) :]
                        walls += [float(wall) - time.time() for wall in said]
                    battery = battery_clock(clone)
                # A busy host may read the output late, so the best value counts.
                errors = [wall - battery for wall in walls]
                self.assertLess(min(map(abs, errors)), 0.1, errors)


def battery_clock(running):
    """The lead of a machine's battery clock over the host's clock, accurate to some
    milliseconds.
    """

    def look():
        date = running.control("qom-get", path="/machine", property="rtc-time")
        return calendar.timegm(
            (
                date["tm_year"] + 1900,
                date["tm_mon"] + 1,
                date["tm_mday"],
                date["tm_hour"],
                date["tm_min"],
                date["tm_sec"],
            )
        )

    before = look()
    while (now := look()) == before:
        time.sleep(0.001)
    return now - time.time()


if __name__ == "__main__":
    unittest.main()
