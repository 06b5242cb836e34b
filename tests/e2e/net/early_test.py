"""A stop is requested while an image starts: before its main, while another process uses its tap,
while DHCP has no answer, while its addresses are probed. The image ends at once with status 0, as a
process and as a kernel, in the test's own network namespace."""
import os
import select
import signal
import socket
import subprocess
import time
import unittest

from dhcp_test import HOST, PROCESS, WITH_DHCP
from dns import NameServerTest
from fata import QEMU
import namespaces

# A range of leases, because dnsmasq keeps the lease of a stopped image.
FIRST, LAST = "10.0.7.20", "10.0.7.29"
STOPS = (signal.SIGTERM, signal.SIGINT)


def is_dhcp(frame):
    return frame[12:14] == b"\x08\x00" and frame[23] == 17 and frame[36:38] == b"\x00\x43"


def is_address_probe(frame):
    """An ARP probe: for an address of the server's range, from 0.0.0.0 (RFC 5227 section 1.1)."""
    network = socket.inet_aton(FIRST)[:3]
    return frame[12:14] == b"\x08\x06" and frame[28:32] == bytes(4) and frame[38:41] == network


def is_duplicate_detection(frame):
    """A neighbour solicitation from the unspecified address (RFC 4862 section 5.4.2)."""
    is_solicitation = frame[12:14] == b"\x86\xdd" and frame[20] == 58 and frame[54] == 135
    return is_solicitation and frame[22:38] == bytes(16)


class Early(NameServerTest):
    @classmethod
    def setUpClass(cls):
        cls.process = cls().run_fata("build", *PROCESS).stdout.splitlines()[0]
        cls.kernel = cls().run_fata("build", *WITH_DHCP).stdout.splitlines()[0]
        subprocess.run(
            (
                "ip link set lo up; sysctl -qw net.ipv6.conf.default.disable_ipv6=1; "
                "ip tuntap add fata0 mode tap vnet_hdr; ip link set fata0 up; "
                f"ip addr add {HOST}/24 dev fata0"
            ),
            shell=True,
            check=True,
        )

    def setUp(self):
        super().setUp()
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))  # ETH_P_ALL
        self.addCleanup(self.wire.close)
        self.wire.bind(("fata0", 3))

    def sent(self, wanted, seconds=30):
        """Waits until the image has sent such a frame."""
        end = time.monotonic() + seconds
        while select.select([self.wire], [], [], max(0, end - time.monotonic()))[0]:
            frame, (_, _, kind, *_) = self.wire.recvfrom(4096)
            if kind != 4 and wanted(frame):  # 4: PACKET_OUTGOING, sent by the host
                return
        self.fail("no such frame came")

    def started(self, line, **options):
        image = subprocess.Popen(
            [str(word) for word in line],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **options,
        )
        self.addCleanup(image.communicate)
        self.addCleanup(image.kill)
        return image

    def has_ended(self, image, status=0, seconds=10):
        said = image.communicate(timeout=seconds)[0].decode()
        self.assertEqual(image.returncode, status, said)
        self.assertNotRegex(said, "cannot|cancelled|info net: address")

    def machine(self):
        return self.started(
            [
                QEMU,
                "-M",
                "microvm,acpi=off",
                "-accel",
                "tcg",
                "-cpu",
                "max",
                "-m",
                "16",
                "-nodefaults",
                "-no-user-config",
                "-display",
                "none",
                "-no-reboot",
                "-serial",
                "stdio",
                "-kernel",
                self.kernel,
                "-device",
                "isa-debug-exit,iobase=0xf4,iosize=4",
                "-global",
                "virtio-mmio.force-legacy=false",
                "-device",
                "virtio-net-device,netdev=n",
                "-netdev",
                "tap,id=n,ifname=fata0,script=no,downscript=no",
            ]
        )

    def machine_ends(self, machine):
        machine.stdin.write(b"\x03")
        machine.stdin.flush()
        self.has_ended(machine, 3)  # the debug exit device's code for status 0

    def dnsmasq(self):
        server = subprocess.Popen(
            [
                "dnsmasq",
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--port=0",
                "--interface=fata0",
                "--bind-interfaces",
                "--user=root",
                "--pid-file=",
                f"--dhcp-leasefile={self.folder / 'leases'}",
                "--no-ping",
                "--dhcp-authoritative",
                f"--dhcp-range={FIRST},{LAST},255.255.255.0,120s",
            ],
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)

    def test_a_signal_that_is_pending_from_before_its_start(self):
        for stop in STOPS:

            def pending(stop=stop):
                signal.pthread_sigmask(signal.SIG_BLOCK, [stop])
                os.kill(os.getpid(), stop)

            self.has_ended(self.started([self.process, "--tap=fata0"], preexec_fn=pending))

    def test_a_signal_before_main(self):
        for stop in STOPS:
            done = subprocess.run(
                [
                    "gdb",
                    "-nx",
                    "-q",
                    "-batch",
                    "-ex",
                    "set debuginfod enabled off",
                    "-ex",
                    "tbreak main",
                    "-ex",
                    "run",
                    "-ex",
                    f"signal {stop.name}",
                    "--args",
                    self.process,
                    "--tap=fata0",
                ],
                text=True,
                timeout=60,
                stdin=subprocess.DEVNULL,
                capture_output=True,
            )
            self.assertIn("Temporary breakpoint 1, main", done.stdout, done.stderr)
            self.assertRegex(
                done.stdout, r"\[Inferior 1 \(process \d+\) exited normally\]", done.stderr
            )

    def test_while_its_tap_is_another_s(self):
        first = self.started([self.process, "--tap=fata0"])
        self.sent(is_dhcp)
        for stop in STOPS:
            second = self.started([self.process, "--tap=fata0"])
            said = second.stdout.readline()
            self.assertIn(b"fata0 is in use; waiting 2 s for it", said)
            second.send_signal(stop)
            self.has_ended(second, seconds=1.5)  # less than its wait of two seconds
        first.send_signal(signal.SIGTERM)
        self.has_ended(first)

    def test_a_process_whose_tap_is_removed_ends_as_failed(self):
        # This tap does not exist, so the image creates it and logs this.
        image = self.started([self.process, "--tap=fata1", "--ipv4=10.0.8.1/24"])
        said = image.stdout.readline()
        self.assertIn(b"fata1: made; it goes with this process", said)
        while b"serving" not in said:
            said = image.stdout.readline()
            self.assertTrue(said, "it ended")
        subprocess.run(["ip", "link", "del", "fata1"], check=True)
        said, _ = image.communicate(timeout=60)
        self.assertIn(b"the network device failed: ", said)
        self.assertEqual(image.returncode, 1, said)

    def test_while_dhcp_has_no_answer(self):
        for stop in STOPS:
            image = self.started([self.process, "--tap=fata0"])
            self.sent(is_dhcp)
            image.send_signal(stop)
            self.has_ended(image)

    def test_while_the_address_of_the_lease_is_probed(self):
        self.dnsmasq()
        for stop in STOPS:
            image = self.started([self.process, "--tap=fata0"])
            self.sent(is_address_probe)
            image.send_signal(stop)
            self.has_ended(image)

    def test_a_kernel_while_dhcp_has_no_answer(self):
        machine = self.machine()
        self.sent(is_dhcp)
        self.machine_ends(machine)

    def test_a_kernel_while_its_addresses_are_probed(self):
        machine = self.machine()
        self.sent(is_duplicate_detection)
        self.machine_ends(machine)
        self.dnsmasq()
        machine = self.machine()
        self.sent(is_address_probe)
        self.machine_ends(machine)

    def test_fata_run_passes_a_signal_on(self):
        for stop in STOPS:
            running = self.started(
                self.run_line(WITH_DHCP, "--accel", "tcg", "--link", "tap:fata0")
            )
            self.sent(is_dhcp, 60)
            running.send_signal(stop)
            self.has_ended(running)


if __name__ == "__main__":
    namespaces.main("dnsmasq", "gdb")
