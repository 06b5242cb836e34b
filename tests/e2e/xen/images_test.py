"""Fata's images on a real Xen: the guards, the examples, exit statuses, refusals and clones."""
import calendar
import os
import pathlib
import re
import sys
import time
import unittest

from domains import CRASH, KEEP, LITTLE, POWEROFF, REBOOT, SMALL, XenTest
from fata import LONG, long

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "guards"))
from attacks import ATTACKS, functions_of  # noqa: E402

IMAGES = pathlib.Path(os.environ["FATA_IMAGES"])
# One of each protection that Xen could take away; kvm_guards tries all attacks each time.
ESSENTIAL = ["write-code", "execute-heap", "overrun-stack", "read-null", "write-tables", "bounds"]
CLONES = int(os.environ.get("FATA_CLONES", "2"))


class Images(XenTest):
    def test_the_tutorial_s_examples_do_what_they_do_elsewhere(self):
        self.assertEqual(self.said("examples/tutorial/noop"), "")
        hello = self.said("examples/tutorial/hello")
        self.assertEqual(re.findall(r"info hello: hello", hello), ["info hello: hello"] * 4)
        times = [float(at) for at in re.findall(r"^\[ *([0-9.]+)\]", hello, re.M)]
        for earlier, later in zip(times, times[1:]):
            self.assertGreater(later - earlier, 0.9)
        self.assertEqual(
            self.said("examples/tutorial/hello-key", '--times=2 --pause=10ms --greeting="say it"'),
            "say it, world!\n" * 2,
        )
        lines = self.said("examples/tutorial/timers").splitlines()
        self.assertEqual(
            [line for line in lines if line in ("heads", "tails", "finished")],
            ["heads", "tails", "finished"],
        )
        self.assertEqual(
            self.said("examples/tutorial/local-library"), "12 words, 38 bytes, squeezed 28\n"
        )

    def test_clock_and_kv_ro_do_what_they_do_elsewhere(self):
        told = re.findall(
            r"^after \S+ it is (\d{4}-\d\d-\d\dT\d\d:\d\d):",
            self.said("examples/devices/clock", "--times=2"),
            re.M,
        )
        self.assertEqual(len(told), 2)
        now = int(self.lab.run("date +%s").text)
        for at in told:  # dom0's clock is Xen's
            self.assertLess(abs(calendar.timegm(time.strptime(at, "%Y-%m-%dT%H:%M")) - now), 180)
        self.assertEqual(
            self.said("examples/devices/kv-ro", "--key=poems/image.txt"),
            "An image holds what it needs,\nand nothing else it heeds.\n",
        )

    def test_help_and_wrong_parameters_are_said_and_their_status_is_left_for_the_manager(self):
        self.assertIn(
            "  --greeting  what to say",
            self.said("examples/tutorial/hello-key", "--help", (POWEROFF, "63")),
        )
        self.assertEqual(
            self.said("examples/tutorial/hello-key", "--times=many", (CRASH, "64")),
            "hello-key: --times takes a number from 0 to 65535, not 'many'\n",
        )
        self.assertEqual(
            self.said("examples/tutorial/hello-key", '--greeting="open', (CRASH, "64")),
            "command line: a quotation mark is not closed\n",
        )

    def test_a_nic_that_is_missing_is_named(self):
        self.assertRegex(
            self.said("apps/dns", "", (CRASH, "64"), without="vif"),
            r"NIC.*the domain has no such device",
        )

    def test_shutdown_and_reboot_are_obeyed(self):
        name = self.start("examples/devices/udp-echo")
        self.lab.wait_console(name, "echoing on port", 40)
        self.shut_down(name)
        name = self.start("examples/devices/udp-echo")
        self.lab.wait_console(name, "echoing on port", 40)
        self.lab.run(f"xl reboot {name}")
        self.assertEqual(self.end(name), [REBOOT, "0"])

    def memory_becomes(self, name, mebibytes):
        self.lab.run(
            (
                f"n=0; until [ $(xl list {name} | tail -n 1 | awk '{{print $3}}') = {mebibytes} ];"
                " do n=$((n + 1)); [ $n -lt 100 ] || exit 1; usleep 200000; done"
            ),
            timeout=40,
        )

    def test_memory_is_given_back_and_taken_again_as_the_manager_asks(self):
        name = self.start("examples/devices/udp-echo", more="memory = 16\nmaxmem = 48\n")
        self.lab.wait_console(name, "echoing on port", 40)
        self.memory_becomes(name, 16)
        for mebibytes in (40, 12):
            self.lab.run(f"xl mem-set {name} {mebibytes}")
            self.memory_becomes(name, mebibytes)
        self.shut_down(name)

    def test_every_attack_on_a_guard_is_reported_and_ends_the_domain(self):
        image = self.lab.put(IMAGES / "guards-xen.img")

        def attacked(name, attack):
            return self.lab.create(
                (
                    f'name = "{name}"\ntype = "pvh"\nkernel = "{image}"\nextra = "{attack}"\nmemory'
                    f" = 8\n{SMALL}{KEEP}"
                ),
                preserved=True,
            )

        attacks = list(ATTACKS) if LONG else ESSENTIAL
        names = [attacked(attack, attack) for attack in attacks]
        bases = set()
        for name, end in zip(names, self.ends(*names, timeout=120), strict=True):
            with self.subTest(name):
                report, function = ATTACKS[name]
                self.assertEqual(end, [CRASH, "125"], self.lab.console(name))
                text = self.lab.console(name)
                self.assertRegex(text, report)
                self.assertNotIn("still alive", text)
                bases.add(re.search(r"backtrace \(image at (0x[0-9a-f]+),", text)[1])
                if function:
                    self.assertIn(function, functions_of(text, IMAGES / "guards-xen.elf"))
        # Each boot has its own base and its own heap address. There are 1,024 heap positions, so
        # two may occasionally be equal.
        self.assertEqual(len(bases), len(attacks))
        more = [attacked(name, "execute-heap") for name in ("again", "once-more")]
        self.ends(*more)
        heaps = {
            re.search(r"executed heap .*: address (0x[0-9a-f]+)", self.lab.console(name))[1]
            for name in ("execute-heap", *more)
        }
        self.assertGreater(len(heaps), 1)

    @long
    def test_clones_draw_their_own_random_bytes_and_renew_their_secrets(self):
        """Domains restored from one checkpoint. FATA_CLONES sets their number."""
        name = self.start("tests/e2e/xen/drawing", more=LITTLE)
        self.lab.wait_console(name, "drawn ", 60)
        self.lab.save(name, "checkpoint")
        before = self.lab.console(name)
        drawn, renewed = re.findall("drawn ([0-9a-f]{32})", before), []
        seen = len(before)
        for _ in range(CLONES):
            self.lab.restore("checkpoint")
            self.lab.wait_console(name, "renewed and drawn twice", 60, seen)
            self.lab.run(f"xl destroy {name}")
            text = self.lab.console(name)
            drawn += re.findall("drawn ([0-9a-f]{32})", text[seen:])
            renewed += re.findall("renewed ([0-9a-fx]{32,})", text[seen:])
            seen = len(text)
        self.assertGreater(len(drawn), 2 * CLONES)
        self.assertEqual(len(set(drawn)), len(drawn))
        self.assertEqual((len(renewed), len(set(renewed))), (CLONES, CLONES))

    def test_too_little_memory_is_said(self):
        image = self.lab.put(IMAGES / "guards-xen.img")
        name = self.lab.create(
            (
                f'name = "small"\ntype = "pvh"\nkernel = "{image}"\nextra = "at-start'
                f' exhaust-heap"\nmemory = 4\n{SMALL}{KEEP}'
            ),
            preserved=True,
        )
        self.assertEqual(self.end(name), [CRASH, "64"])
        self.assertRegex(
            self.lab.console(name),
            r"(?m)^out of memory: 65536 bytes asked, .*; give the guest more memory$",
        )

    @long
    def test_twenty_starts_and_ends_in_a_row_leave_nothing_behind(self):
        image, _ = self.built("examples/tutorial/noop")
        kernel = self.lab.put(image)
        before = self.lab.run("xl info | grep free_memory").text
        self.lab.run(
            (
                "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do printf 'name ="
                f' "row%d"\\ntype = "pvh"\\nkernel = "{kernel}"\\nmemory = 4\\nshadow_memory ='
                ' 4\\non_poweroff = "destroy"\\n\' $i >/tmp/row; xl create -q /tmp/row && lab-end'
                " -g row$i || exit 1; done"
            ),
            timeout=150,
        )
        self.assertEqual(set(self.lab.domains()), {"Domain-0"})
        self.assertEqual(self.lab.run("xl info | grep free_memory").text, before)


if __name__ == "__main__":
    unittest.main()
