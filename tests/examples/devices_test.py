"""Every device example runs on a target with the expected result:  devices_test.py linux|kvm"""
import datetime
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import unittest

import name_server
import stream
from fata import BUILD, FATA, ROOT, FataTest
from namespaces import may_make_namespaces

TARGET = sys.argv.pop(1) if len(sys.argv) > 1 else "linux"
HERE = pathlib.Path(__file__).resolve().parent


in_a_namespace = unittest.skipUnless(
    may_make_namespaces(), "needs root (network namespaces) and /dev/net/tun"
)


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Devices(FataTest):
    def words(self, name, *more):
        folder = BUILD / ("-".join([name, TARGET, *more]).replace("--", ""))
        return [f"examples/devices/{name}", "-t", TARGET, *more, "--build-dir", str(folder)]

    def run_example(self, name, *parameters, status=0, disk=None):
        disks = ["--disk", disk] if disk else []
        done = self.run_fata(
            "run", *self.words(name), *disks, "--", *parameters, status=status, timeout=300
        )
        self.log = done.stdout.replace("\r", "") if TARGET == "kvm" else done.stderr
        return done.stdout.replace("\r", "")

    def test_clock_tells_monotonic_and_wall_time(self):
        before = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=2)
        told = re.findall(
            r"^after (\S+) it is (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)$",
            self.run_example("clock", "--times=3", "--pause=300ms"),
            re.MULTILINE,
        )
        after = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
        self.assertEqual(len(told), 3)
        times = [datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) for _, text in told]
        self.assertEqual(times, sorted(times))
        self.assertTrue(before <= times[0] and times[-1] <= after, f"{before} {times} {after}")
        self.assertGreater((times[2] - times[0]).total_seconds(), 0.5)
        self.assertRegex(told[2][0], r"^(5|6|7|8|9)\d\d\.\dms$|^\d+\.\d+s$")

    def test_lookup_prints_addresses_and_records(self):
        port = name_server.start(self)
        where = "127.0.0.1" if TARGET == "linux" else "10.0.2.2"  # the host, for QEMU's guest
        servers = f"--dns-servers={where}:{port}"
        for name, type, expected in (
            ("www.example.org", "", "2001:db8::80\n192.0.2.80\n"),
            ("www.example.org", "A", "192.0.2.80\n"),
            ("www.example.org", "TXT", "\\# 3 026869\n"),
            ("localhost", "", "::1\n127.0.0.1\n"),
        ):
            said = self.run_example("lookup", f"--name={name}", f"--type={type}", servers)
            # A kernel's console also holds its log.
            printed = [line for line in said.splitlines(True) if not line.startswith("[")]
            self.assertEqual("".join(printed), expected)
        self.run_example("lookup", "--name=none.example.org", servers, status=1)
        self.assertIn("error lookup: none.example.org: resolver: the name does not exist", self.log)
        self.run_example("lookup", "--type=WHAT", servers, status=64)
        self.assertIn("--type takes a record type such as A, MX or TYPE65, not 'WHAT'", self.log)

    def test_kv_ro_lists_and_prints(self):
        self.assertEqual(
            self.run_example("kv-ro"), "about.txt 20\npoems/empty.txt 0\npoems/image.txt 57\n"
        )
        self.assertEqual(
            self.run_example("kv-ro", "--key=poems/image.txt"),
            "An image holds what it needs,\nand nothing else it heeds.\n",
        )
        self.run_example("kv-ro", "--key=nothing", status=1)
        self.assertIn("error kv-ro: nothing: key-value: no such key", self.log)

    def disk(self, size):
        path = self.folder / "disk.img"
        with path.open("wb") as file:
            file.truncate(size)
        return path

    def test_block_checks_a_disk(self):
        disk = self.disk(1 << 20)
        said = self.run_example("block", disk=disk)
        for line in (
            "2048 sectors of 512 bytes, read-write, discards; ",
            "sector 2048 is refused: block: beyond the last sector\n",
            "sectors 0 to 15 hold what was written\n",
            "sectors 1016 to 1031 hold what was written\n",
            "sectors 2032 to 2047 hold what was written\n",
            "flushed\n",
            "discarded 16 sectors\n",
            "all is well\n",
        ):
            self.assertIn(line, said)
        before = disk.read_bytes()
        self.assertEqual(
            [at for at in range(0, 1 << 20, 512) if any(before[at : at + 512])],
            [*range(1016 * 512, 1032 * 512, 512), *range(2032 * 512, 2048 * 512, 512)],
        )
        said = self.run_example("block", disk=f"{disk},ro,sector=4096")
        self.assertIn("256 sectors of 4096 bytes, read-only; ", said)
        self.assertEqual(disk.read_bytes(), before)

    def test_disk_lottery_remembers_what_it_drew(self):
        disk = self.disk(8 << 10)
        drawn = []
        for draw in range(1, 4):
            line = self.run_example("disk-lottery", disk=disk)
            told = re.search(
                r"^slot 0, draw (\d+): (\d+)(?:; before: ([\d, ]+))?(; you win)?\nkept$",
                line,
                re.MULTILINE,
            )
            self.assertEqual((int(told[1]), told[3]), (draw, ", ".join(map(str, drawn)) or None))
            self.assertEqual(told[4] is not None, int(told[2]) in drawn)
            drawn.insert(0, int(told[2]))
        self.assertIn("slot 3, draw 1: ", self.run_example("disk-lottery", "--slot=3", disk=disk))
        self.assertIn("slot 0, draw 1: ", self.run_example("disk-lottery", "--reset=on", disk=disk))
        self.run_example("disk-lottery", "--slot=16", disk=disk, status=64)
        self.assertIn(
            (
                "slot 16 cannot be read: block: beyond the last sector; this disk has the slots 0"
                " to 15"
            ),
            self.log,
        )
        with disk.open("r+b") as file:
            file.seek(3 * 512 + 20)
            file.write(b"damage")
        self.run_example("disk-lottery", "--slot=3", disk=disk, status=1)
        self.assertIn("slot 3 holds something else; --reset=on forgets it", self.log)

    def echoes(self, words, *parameters, port):
        """The image that `fata run` starts echoes what it receives and ends on request."""
        self.run_fata("build", *words)
        image = subprocess.Popen(
            [*FATA, "run", *words, "--", f"--port={port}", *parameters],
            text=True,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.addCleanup(image.kill)
        for line in image.stdout if TARGET == "kvm" else image.stderr:
            if "echoing on port" in line:
                break
        sent = [bytes([i]) * size for i, size in enumerate([1, 2, 17, 512, 1000, 1471, 1472] * 12)]
        heard = set()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(2)
            client.connect(("127.0.0.1", port))
            for _ in range(20):  # some UDP datagrams may be lost
                for text in sent:
                    if text not in heard:
                        client.send(text)
                try:
                    while heard != set(sent):
                        heard.add(client.recv(2048))
                    break
                except TimeoutError:
                    pass
        image.send_signal(signal.SIGINT)
        out, errors = image.communicate(timeout=60)
        self.assertEqual(heard, set(sent))
        self.assertEqual(image.returncode, 0, out + errors)
        counted = re.search(
            r"udp-echo: (\d+) datagrams echoed, (\d+) dropped", out if TARGET == "kvm" else errors
        )
        self.assertGreaterEqual(int(counted[1]), len(sent))

    def test_udp_echo_sends_back_what_it_gets(self):
        self.echoes(self.words("udp-echo"), port=free_port())

    @unittest.skipIf(TARGET == "kvm", "a kernel brings its own stack")
    def test_udp_echo_says_that_its_port_is_taken(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("0.0.0.0", 0))
            port = taken.getsockname()[1]
            self.run_example("udp-echo", f"--port={port}", status=64)
        self.assertIn(f"error udp-echo: cannot serve UDP port {port}: ", self.log)
        self.assertIn("; choose another with --port", self.log)

    def started(self, words, ready, *parameters):
        """Builds an example, starts it, and waits until it has logged `ready`."""
        self.run_fata("build", *words)
        image = subprocess.Popen(
            [*FATA, "run", *words, "--", *parameters],
            text=True,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.addCleanup(image.kill)
        for line in image.stdout if TARGET == "kvm" else image.stderr:
            if ready in line:
                break
        return image

    def stopped(self, image):
        """Ends the image as Ctrl-C does; returns the rest of its log."""
        image.send_signal(signal.SIGINT)
        out, errors = image.communicate(timeout=60)
        self.assertEqual(image.returncode, 0, out + errors)
        return out if TARGET == "kvm" else errors

    def test_tcp_echo_sends_back_every_byte_and_closes(self):
        port = free_port()
        image = self.started(self.words("tcp-echo"), "echoing on port", f"--port={port}")
        sizes = [0, 1, 1460, 100_000, 1_000_000]
        for size in sizes:
            self.assertTrue(stream.comes_back("127.0.0.1", port, size), size)
        self.assertIn(
            f"tcp-echo: {len(sizes)} connections, {sum(sizes)} bytes echoed, 0 broken",
            self.stopped(image),
        )

    def test_relay_changes_every_byte_in_place(self):
        port, far = free_port(), stream.EchoServer("127.0.0.1")
        self.addCleanup(far.close)
        # A kernel's user network has the host's loopback addresses at this one.
        to = "10.0.2.2" if TARGET == "kvm" else "localhost"
        image = self.started(
            self.words("relay"),
            "relaying on port",
            f"--port={port}",
            f"--to={to}",
            f"--to-port={far.port}",
        )
        sizes = [0, 1, 1460, 100_000, 1_000_000]
        sent = [os.urandom(size) for size in sizes]
        for each in sent:
            self.assertTrue(stream.comes_back("127.0.0.1", port, 0, sent=each), len(each))
        self.assertEqual(far.heard, [bytes(byte ^ 0x20 for byte in each) for each in sent])
        log = self.stopped(image)
        found = re.search(
            r"relay: (\d+) connections, (\d+) bytes changed in place, (\d+) copied, 0 broken", log
        )
        self.assertTrue(found, log)
        connections, in_place, copied = map(int, found.groups())
        self.assertEqual((connections, in_place + copied), (len(sizes), 2 * sum(sizes)), log)
        if TARGET == "linux":
            self.assertEqual(copied, 0)  # each read() fills a buffer of its own

    def test_relay_says_that_it_has_no_target(self):
        self.run_example("relay", f"--port={free_port()}", status=64)
        self.assertIn("error relay: no host to relay to; choose one with --to", self.log)

    def in_namespace(self, script, *words):
        done = subprocess.run(
            ["unshare", "-n", sys.executable, HERE / script, *words],
            text=True,
            capture_output=True,
            timeout=120,
            cwd=ROOT,
            env={**os.environ, "FATA": FATA[0]},
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    @in_a_namespace
    def test_udp_echo_on_a_tap(self):
        words = self.words("udp-echo", *(["--net", "direct"] if TARGET == "linux" else []))
        self.run_fata("build", *words)
        self.in_namespace("on_tap.py", "udp", TARGET, *words)

    @in_a_namespace
    def test_tcp_echo_on_a_tap(self):
        words = self.words("tcp-echo", *(["--net", "direct"] if TARGET == "linux" else []))
        self.run_fata("build", *words)
        self.in_namespace("on_tap.py", "tcp", TARGET, *words)
        self.in_namespace("on_tap.py", "tcp-cut", TARGET, *words)

    @in_a_namespace
    def test_tcp_echo_on_two_taps_and_through_a_route(self):
        words = self.words(
            "tcp-echo", "-D", "cards=2", *(["--net", "direct"] if TARGET == "linux" else [])
        )
        self.run_fata("build", *words)
        self.in_namespace("on_tap.py", "nics", TARGET, *words)

    @in_a_namespace
    def test_relay_on_a_tap(self):
        words = self.words("relay", *(["--net", "direct"] if TARGET == "linux" else []))
        self.run_fata("build", *words)
        self.in_namespace("on_tap.py", "relay", TARGET, *words)

    @in_a_namespace
    def test_stack_hears_and_connects_on_a_tap(self):
        words = self.words("stack", *(["--net", "direct"] if TARGET == "linux" else []))
        self.run_fata("build", *words)
        self.in_namespace("on_tap.py", "stack", TARGET, *words)

    @in_a_namespace
    def test_network_sends_frames_back(self):
        self.run_fata("build", *self.words("network"))
        self.in_namespace("on_tap.py", "frames", TARGET, *self.words("network"))


if __name__ == "__main__":
    unittest.main()
