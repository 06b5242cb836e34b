"""Promises of a running image: its console, status, parameters, clock and randomness, and that it
stops on request.
"""
import calendar
import os
import pathlib
import re
import tempfile
import time
import unittest

from machine import MACHINES, Running, boot, image


class SlowEntropy:
    """A virtio-rng device that returns only bytes passed to give(), and QEMU's options for it."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        pipe = os.path.join(self.folder.name, "entropy")
        os.mkfifo(pipe)
        self.end = os.open(pipe, os.O_RDWR)
        self.options = (
            "-object",
            f"rng-random,id=slow,filename={pipe}",
            "-device",
            "virtio-rng-device,rng=slow",
            "-global",
            "virtio-mmio.force-legacy=false",
            "-trace",
            "virtio_rng_request",
            "-trace",
            "virtio_rng_pushed",
        )

    def give(self, count):
        os.write(self.end, os.urandom(count))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.end)
        self.folder.cleanup()


class Boot(unittest.TestCase):
    def test_it_says_hello_on_every_machine(self):
        for machine in MACHINES:
            with self.subTest(machine):
                ended = boot("hello", machine=machine)
                self.assertEqual(ended.status, 0, ended.text)
                self.assertIn("Hello from a kernel of its own", ended.lines)

    def test_its_status_is_that_of_the_image(self):
        for status in (0, 1, 2, 63, 64, 126):
            self.assertEqual(boot("hello", f"--status={status}").status, status)

    def test_parameters_arrive_with_their_spaces_and_quotes(self):
        ended = boot(
            "hello", r'--status=3 "a  b" c\ d "e\"f" virtio_mmio.device=512@0xfeb00e00:12 last'
        )
        self.assertEqual(ended.status, 3)
        self.assertEqual(
            ended.lines[1:],
            [
                "parameter '--status=3'",
                "parameter 'a  b'",
                "parameter 'c d'",
                "parameter 'e\"f'",
                "parameter 'last'",
            ],
        )

    def test_a_wrong_command_line_is_one_clear_line_and_status_64(self):
        for words, line in (
            ('"a', "command line: a quotation mark is not closed"),
            (
                "fata.x=1",
                (
                    'command line: unknown word: of those that begin with "fata." only fata.base='
                    " is known"
                ),
            ),
            (
                "virtio_mmio.device=1",
                "command line: virtio_mmio.device= wants SIZE@BASE:IRQ, as in 512@0xfeb00e00:12",
            ),
            (
                "fata.base=0x1234",
                (
                    "command line: fata.base= wants a multiple of 0x1000 from 0x100000000000 on, "
                    "below 0x7f0000000000"
                ),
            ),
        ):
            ended = boot("hello", words)
            self.assertEqual((ended.text, ended.status), (line + "\n", 64))

    def test_any_amount_of_memory_from_2_mib_on_will_do(self):
        for memory in ("2M", "3M", "64M", "513M", "5G"):
            with self.subTest(memory):
                self.assertEqual(
                    boot("probe", "containers", memory=memory).lines, ["containers work"]
                )

    def test_too_little_memory_is_one_clear_line_and_status_64(self):
        ended = boot("hello", memory="1280K")
        self.assertRegex(ended.text, r"^too little memory: [^\n]*give the guest 2 MiB or more\n$")
        self.assertEqual(ended.status, 64)

    def test_a_damaged_file_is_one_clear_line_and_status_64(self):
        whole = pathlib.Path(image("hello")).read_bytes()
        with tempfile.TemporaryDirectory() as folder:
            damaged = pathlib.Path(folder) / "damaged.img"
            header = range(0xC8, 0xC8 + 32, 4)
            for machine, place in (
                (MACHINES[2], len(whole) - 1),
                (MACHINES[1], len(whole) // 2),
                *((MACHINES[0], place) for word in header for place in (word, word + 3)),
            ):
                with self.subTest(machine=machine, place=place):
                    damaged.write_bytes(
                        whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :]
                    )
                    ended = boot("hello", machine=machine, file=str(damaged))
                    self.assertEqual(
                        (ended.text, ended.status),
                        (
                            (
                                "this kernel image is damaged: its checksum is wrong; copy or build"
                                " it again\n"
                            ),
                            64,
                        ),
                    )

    def test_it_says_hello_as_it_is_linked_too(self):
        self.assertEqual(boot("hello", file=image("hello").replace(".img", ".elf")).status, 0)

    def test_without_entropy_it_refuses_to_start(self):
        ended = boot("hello", cpu="qemu64,-rdrand,-rdseed")
        self.assertEqual(
            ended.text,
            (
                "no source of entropy: give the guest RDRAND (-cpu max, -cpu host) "
                "or a virtio-rng device\n"
            ),
        )
        self.assertEqual(ended.status, 64)

    def test_with_a_random_cpu_it_starts_at_once_and_mixes_in_virtio_rng_later(
        self,
    ):
        with SlowEntropy() as entropy, Running("probe", "wait", extra=entropy.options) as running:
            running.wait_for("waiting")
            running.wait_for("64 bytes requested")
            entropy.give(64)
            running.wait_for("virtio_rng_pushed")
            running.type(b"\x03")
            ended = running.end()
        self.assertEqual(ended.status, 0, ended.text)

    def test_an_image_that_never_idles_asks_virtio_rng_too(self):
        with SlowEntropy() as entropy:
            ended = boot("probe", "monotonic", extra=entropy.options)
        self.assertEqual(ended.status, 0, ended.text)
        self.assertIn("64 bytes requested", ended.text)

    def test_where_the_cpu_has_no_randomness_it_waits_for_that_of_virtio_rng(self):
        with SlowEntropy() as entropy, Running(
            "probe", "wait", cpu="qemu64,-rdrand,-rdseed", extra=entropy.options
        ) as running:
            running.wait_for("64 bytes requested")
            entropy.give(64)
            running.wait_for("waiting")
            self.assertLess(running.text.index("virtio_rng_pushed"), running.text.index("waiting"))

    def test_it_waits_for_virtio_rng_no_longer_than_half_a_second(self):
        with SlowEntropy() as entropy:
            ended = boot("hello", cpu="qemu64,-rdrand,-rdseed", extra=entropy.options)
        self.assertIn("no source of entropy: ", ended.text)
        self.assertEqual(ended.status, 64)

    def test_a_cpu_without_the_no_execute_bit_is_refused(self):
        ended = boot("hello", cpu="max,-nx")
        self.assertEqual(
            (ended.text, ended.status),
            ("this CPU has no no-execute bit; use -cpu max or -cpu host\n", 64),
        )

    def test_each_boot_has_a_base_a_heap_and_random_bytes_of_its_own(self):
        lines = [tuple(boot("probe", "base heap random").lines) for _ in range(12)]
        self.assertEqual(len({base for base, _, _ in lines}), 12)
        # There are 1,024 heap positions, so two boots may occasionally share one.
        self.assertGreater(len({heap for _, heap, _ in lines}), 6)
        self.assertEqual(len({random for _, _, random in lines}), 12)

    def test_the_base_can_be_fixed_for_a_debugger(self):
        self.assertEqual(
            boot("probe", "base fata.base=0x200000000000").lines, ["base 0x200000000000"]
        )


class Time(unittest.TestCase):
    def test_it_sleeps_as_long_as_it_says_and_its_clock_never_steps_back(self):
        for machine in MACHINES:
            with self.subTest(machine):
                # A busy host sometimes wakes the guest late, so the best of several tries counts.
                self.assertTrue(any(self.sleeps_well(machine) for _ in range(5)))

    def sleeps_well(self, machine):
        """True if no sleep took much longer than requested. Asserts that none is shorter."""
        start = time.monotonic()
        ended = boot("probe", "sleep=20 sleep=300 sleep=1200 monotonic", machine=machine)
        self.assertGreater(time.monotonic() - start, 1.5)  # by the host's clock
        slept = [int(us) for us in re.findall(r"slept (\d+) us", ended.text)]
        self.assertIn("steps back: 0", ended.lines)
        wanted = (20_000, 300_000, 1_200_000)
        for us, asked in zip(slept, wanted, strict=True):
            self.assertGreaterEqual(us, asked)
        return all(us < asked * 1.1 + 60_000 for us, asked in zip(slept, wanted, strict=True))

    def test_its_wall_clock_is_the_host_s(self):
        for machine in MACHINES:
            before = time.time()
            wall = int(
                re.search(r"wall (\d+)", boot("probe", "wall", machine=machine).text).group(1)
            )
            self.assertTrue(before - 2 < wall < time.time() + 2, (before, wall))

    def test_after_a_pause_its_wall_clock_is_the_host_s_again(self):
        for machine in MACHINES:
            with self.subTest(machine), Running(
                "probe", "wall sleep=2500 wall wait", machine=machine
            ) as running:
                running.wait_for("wall ")
                running.control("stop")
                time.sleep(6)
                running.control("cont")
                running.wait_for("waiting")
                now = time.time()
                running.type(b"\x03")
                ended = running.end()
                before, after = (int(wall) for wall in re.findall(r"wall (\d+)", ended.text))
                self.assertGreaterEqual(after - before, 7, "it went on with the host's")
                self.assertLess(abs(after - now), 4)
                self.assertEqual(ended.status, 0)

    def test_its_wall_clock_follows_a_battery_clock_that_is_elsewhere(self):
        for base in ("2001-02-03T04:05:06", "2038-01-19T03:14:07"):
            ended = boot("probe", "wall sleep=1500 wall", extra=("-rtc", f"base={base}"))
            begin = calendar.timegm(time.strptime(base, "%Y-%m-%dT%H:%M:%S"))
            first, second = (int(wall) - begin for wall in re.findall(r"wall (\d+)", ended.text))
            self.assertIn(first, range(0, 20))
            self.assertIn(second - first, range(1, 15))


class Console(unittest.TestCase):
    def test_what_does_not_fit_is_counted_and_the_last_lines_are_not_lost(self):
        ended = boot("probe", "flood=2000 after")
        said = [line for line in ended.lines if line.startswith("flood line")]
        self.assertIn("flood line 0 of a text that is of some length", said)
        self.assertEqual(len(said), len(set(said)))
        dropped = sum(int(n) for n in re.findall(r"\[console: (\d+) bytes dropped\]", ended.text))
        self.assertTrue(len(said) == 2000 or dropped > 0, ended.text[-300:])

    def test_text_that_was_queued_is_said_while_the_image_waits(self):
        with Running("probe", "flood=150 wait") as running:
            running.wait_for("flood line 149")
            running.wait_for("waiting")

    def test_a_reader_that_pauses_loses_nothing_that_is_not_counted(self):
        # 97 KB of output; a pipe and the buffer hold 80.
        with Running("probe", "flood=150 sleep=300 " * 9 + "wait") as running:
            time.sleep(4)
            running.wait_for("waiting", "bytes dropped]")
            running.type(b"\x03")
            ended = running.end()
        self.assertEqual(ended.status, 0)
        said = sum(line.startswith("flood line") for line in ended.lines)
        self.assertGreater(said, 900)
        self.assertEqual(said < 9 * 150, "bytes dropped]" in ended.text)


class Stop(unittest.TestCase):
    def test_control_c_and_control_d_stop_it(self):
        for key in (b"\x03", b"\x04"):
            with Running("probe", "wait") as running:
                running.wait_for("waiting")
                running.type(b"x" + key)
                ended = running.end()
                self.assertEqual((ended.lines[-1], ended.status), ("stopped", 0))

    def test_the_power_button_stops_it(self):
        for machine in ("pc", "q35"):
            with self.subTest(machine), Running("probe", "wait", machine=machine) as running:
                running.wait_for("waiting")
                running.control("system_powerdown")
                ended = running.end()
                self.assertEqual((ended.lines[-1], ended.status), ("stopped", 0))

    def test_a_stop_that_was_typed_before_it_ran_is_obeyed(self):
        for machine in MACHINES:
            for key in (b"\x03", b"x\x04", 100 * b"x" + b"\x03"):
                with self.subTest(machine=machine, key=key), Running(
                    "probe", "wait", machine=machine, extra=("-S",)
                ) as running:
                    running.type(key)
                    time.sleep(0.3)  # until QEMU has received the key
                    running.control("cont")
                    ended = running.end()
                    self.assertEqual((ended.lines[-1], ended.status), ("stopped", 0))

    def test_an_nmi_shows_where_it_is_and_lets_it_go_on(self):
        for words, said in (("spin=800", "spun"), ("sleep=800", "slept")):
            with self.subTest(words), Running("probe", "x sleep=50 " + words) as running:
                running.wait_for("parameter 'x'")
                time.sleep(0.2)
                running.control("inject-nmi")
                ended = running.end()
                self.assertRegex(
                    ended.text,
                    r"NMI: interrupted at 0x[0-9a-f]+, uptime [0-9.]+m?s\n"
                    r"backtrace \(image at 0x[0-9a-f]+, addresses of the .elf file\):\n"
                    r"  #0 0x[0-9a-f]+ \(image\+0x[0-9a-f]+\)\n",
                )
                self.assertIn(said, ended.text)
                self.assertEqual(ended.status, 0)


if __name__ == "__main__":
    unittest.main()
