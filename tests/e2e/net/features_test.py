"""The name server as a kernel whose NIC lacks features that QEMU offers by default, or has others.
Tested on virtio-mmio and on PCI, over IPv4 and IPv6, UDP and TCP, behind a tap in the test's own
network namespace.
"""
import subprocess
import unittest

from dns import KERNEL, NameServerTest, ask_many
from fata import QEMU
import namespaces
from pings import ping

OURS = {"4": "10.77.0.2", "6": "2001:db8:77::2"}
HOST = {"4": "10.77.0.1", "6": "2001:db8:77::1"}
PORT = 1053
MACHINES = {
    "microvm": ("microvm,acpi=off", "virtio-net-device"),
    "q35": ("q35", "virtio-net-pci,disable-legacy=on"),
}


class Features(NameServerTest):
    @classmethod
    def setUpClass(cls):
        cls.image = cls().run_fata("build", *KERNEL).stdout.splitlines()[0]
        subprocess.run(
            (
                "ip link set lo up; sysctl -qw net.ipv6.conf.default.accept_dad=0; ip tuntap add"
                f" fata0 mode tap vnet_hdr; ip link set fata0 up; ip addr add {HOST['4']}/24 dev"
                f" fata0; ip addr add {HOST['6']}/64 dev fata0 nodad"
            ),
            shell=True,
            check=True,
        )

    def check(self, options, features, memory=32, sizes=(56, 1400, 4000)):
        for name, (machine, device) in MACHINES.items():
            with self.subTest(machine=name, options=options):
                self.check_machine(machine, f"{device},netdev=n,{options}", features, memory, sizes)

    def check_machine(self, machine, device, features, memory, sizes):
        server = self.served(
            [
                QEMU,
                "-M",
                machine,
                "-accel",
                "tcg",
                "-cpu",
                "max",
                "-m",
                str(memory),
                "-nodefaults",
                "-no-user-config",
                "-display",
                "none",
                "-no-reboot",
                "-serial",
                "stdio",
                "-device",
                "isa-debug-exit,iobase=0xf4,iosize=4",
                "-global",
                "virtio-mmio.force-legacy=false",
                "-kernel",
                self.image,
                "-append",
                f"--ipv4={OURS['4']}/24 --ipv6={OURS['6']}/64 --port={PORT} --rrl=off",
                "-netdev",
                "tap,id=n,ifname=fata0,script=no,downscript=no",
                "-device",
                device,
            ],
            stdin=subprocess.PIPE,
        )
        with server:
            self.check_server(server, features, sizes)

    def check_server(self, server, features, sizes):
        self.assertRegex(server.text, features)
        for to in OURS.values():
            # Pings until both have resolved each other: an IPv6 address does not answer during
            # duplicate address detection.
            self.assertTrue(any(ping(to, 1, wait=2)[1] for _ in range(15)), to)
            for size in sizes:
                self.assertEqual(ping(to, 3, size=size, every=0.05), (3, 3), f"{to} {size}")
            self.answers_dig(to, PORT)
            self.answers_dig(to, PORT, "+tcp")
        # More queries than the ring has entries.
        self.assertEqual(ask_many(OURS["4"], PORT, 600), 600)
        server.process.stdin.write(b"\x03")
        server.process.stdin.flush()
        rest, _ = server.process.communicate(timeout=30)
        self.assertEqual((server.process.returncode - 3) // 2, 0, server.text + rest.decode())

    def test_without_mergeable_receive_buffers(self):
        self.check(
            "mrg_rxbuf=off",
            r"features: tx-checksum rx-checksum tx-tso event-index queue 256, mtu 1500",
        )

    def test_without_mergeable_receive_buffers_in_little_memory(self):
        self.check(
            "mrg_rxbuf=off",
            r"features: tx-checksum rx-checksum tx-tso event-index queue 128, mtu 1500",
            memory=6,
        )

    def test_without_checksums_of_either_way(self):
        self.check(
            "csum=off", r"features: rx-checksum mergeable-buffers event-index queue 256, mtu 1500"
        )
        self.check(
            "guest_csum=off",
            r"features: tx-checksum tx-tso mergeable-buffers event-index queue 256, mtu 1500",
        )
        self.check(
            "csum=off,guest_csum=off,mrg_rxbuf=off", r"features: event-index queue 256, mtu 1500"
        )

    def test_without_event_index_and_with_few_offloads(self):
        self.check(
            "event_idx=off",
            (
                r"features: tx-checksum rx-checksum tx-tso rx-tso mergeable-buffers queue 256, mtu"
                r" 1500"
            ),
        )
        self.check(
            "host_tso6=off,guest_ecn=off",
            r"features: tx-checksum rx-checksum mergeable-buffers event-index queue 256",
        )

    def test_with_a_link_of_large_frames(self):
        subprocess.run(["ip", "link", "set", "fata0", "mtu", "9000"], check=True)
        self.addCleanup(subprocess.run, ["ip", "link", "set", "fata0", "mtu", "1500"])
        for options in ("host_mtu=9000", "host_mtu=9000,mrg_rxbuf=off"):
            self.check(
                options,
                r"features: tx-checksum rx-checksum tx-tso .*event-index queue \d+, mtu \d+",
                sizes=(56, 1400, 8900),
            )


if __name__ == "__main__":
    namespaces.main()
