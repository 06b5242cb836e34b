"""The name server as a kernel on a tap with virtio-net headers, in the test's own network
namespace: the negotiated features, and packets that Linux's own stack accepts without errors.
"""
import errno
import random
import re
import socket
import struct
import subprocess
import unittest

from dns import KERNEL, NameServerTest, ask_many, header as dns_header, query
from frames import ICMP, UDP, Wire, echo, frames_of, ipv4, udp, wrong_sums
import namespaces
from pings import ping

GUEST, HOST, PORT = "10.0.2.15", "10.0.2.2", 1053


class Tap(NameServerTest):
    @classmethod
    def setUpClass(cls):
        cls().run_fata("build", *KERNEL)
        subprocess.run(
            (
                "ip link set lo up; ip tuntap add fata0 mode tap vnet_hdr; ip link set fata0 up; "
                f"ip addr add {HOST}/24 dev fata0"
            ),
            shell=True,
            check=True,
        )

    def serve(self, machine):
        self.capture = self.folder / "tap.pcap"
        return self.served(
            self.run_line(
                KERNEL,
                "--accel",
                "tcg",
                "--machine",
                machine,
                "--memory",
                "8",
                "--link",
                "tap:fata0",
                "--pcap",
                self.capture,
                "--",
                "--rrl=off",
            )
        )

    def refused(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect((GUEST, PORT + 1))
            client.settimeout(5)
            client.send(query(1))
            with self.assertRaises(OSError) as caught:
                client.recv(1000)
            return caught.exception.errno

    def check_machine(self, machine):
        server = self.serve(machine)
        self.assertRegex(
            server.text,
            (
                r"virtio-net: features: tx-checksum rx-checksum tx-tso mergeable-buffers"
                r" event-index queue 128, mtu 1500\n"
            ),
        )
        self.answers_dig(GUEST, PORT)
        self.assertEqual(ping(GUEST, 5, size=1400, every=0.2), (5, 5))
        self.assertEqual(ping(GUEST, 2000, every=0), (2000, 2000))
        self.assertEqual(ask_many(GUEST, PORT, 2000), 2000)
        self.assertEqual(self.refused(), errno.ECONNREFUSED)
        self.ends_well(server)
        frames = frames_of(self.capture.read_bytes())
        ours = [
            frame
            for frame in frames
            if frame[26:30] == socket.inet_aton(GUEST) and frame[12:14] == b"\x08\x00"
        ]
        self.assertGreater(len(ours), 4000, "what --pcap recorded")

    def test_microvm_on_a_tap(self):
        self.check_machine("microvm")

    def test_pc_on_a_tap(self):
        self.check_machine("pc")

    def test_q35_on_a_tap(self):
        self.check_machine("q35")

    def test_what_is_too_long_or_nonsense_does_it_no_harm(self):
        server = self.serve("microvm")
        self.assertEqual(ping(GUEST, 1), (1, 1))  # both have resolved each other now
        self.assertEqual(ping(GUEST, 5, size=4000, every=0.01), (5, 5))  # in fragments, both ways
        subprocess.run(["ip", "link", "set", "fata0", "mtu", "9000"], check=True)
        self.addCleanup(subprocess.run, ["ip", "link", "set", "fata0", "mtu", "1500"])
        # A frame over the link's MTU arrives in several buffers, often enough to wrap around the
        # ring. The answers are sent in fragments.
        self.assertEqual(ping(GUEST, 100, size=8000, every=0.02), (100, 100))
        link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.addCleanup(link.close)
        link.bind(("fata0", 0))
        host = link.getsockname()[4]
        guest = bytes.fromhex(
            re.search(r"hardware address ([0-9a-f:]+)", server.text)[1].replace(":", "")
        )
        chance = random.Random(2026)
        junk = [chance.randbytes(chance.randrange(14, 1500)) for _ in range(300)]
        head = guest + host + b"\x08\x00"
        junk += [head + frame for frame in junk[:150]] + [
            head + b"\x45" + frame[:1400] for frame in junk[150:]
        ]
        junk += [guest + host + b"\x08\x06" + frame[:60] for frame in junk[:50]]
        junk += [
            head + ipv4(HOST, GUEST, UDP, struct.pack("!4H", 1, PORT, length, 0))
            for length in (0, 7, 9, 65535)
        ]
        for frame in junk:
            link.send(frame)
        self.assertEqual(ask_many(GUEST, PORT, 200), 200)
        self.assertEqual(ping(GUEST, 5, size=1400, every=0.01), (5, 5))
        self.ends_well(server)

    def test_its_checksums_are_right_on_the_wire(self):
        # Linux does not verify a checksum that is marked as unfinished. So the answers are routed
        # on to a wire, for which Linux finishes the checksum at the place and from the start that
        # the guest specified. If either were wrong, the checksum on the wire would be wrong.
        server = self.serve("microvm")
        wire = Wire("wire0")
        self.addCleanup(wire.close)
        subprocess.run(
            (
                "ip addr add 10.0.3.1/24 dev wire0; ip link set wire0 address 02:00:00:00:03:01 up;"
                " ip neigh add 10.0.3.2 lladdr 02:00:00:00:03:02 dev wire0; echo 1"
                " >/proc/sys/net/ipv4/ip_forward"
            ),
            shell=True,
            check=True,
        )
        head = bytes.fromhex("0200000003010200000003020800")

        def exchange(packet, protocol):
            wire.send(head + packet)
            answer = wire.receive(
                lambda back: back[9] == protocol and back[12:16] == socket.inet_aton(GUEST)
            )
            self.assertEqual(wrong_sums(answer), [])
            return answer[20:]

        for number in range(20):  # of different lengths, odd and even
            name = "x" * number + ".dyn.example.org" if number else "www.example.org"
            answer = exchange(udp("10.0.3.2", GUEST, 4000 + number, PORT, query(number, name)), UDP)
            self.assertEqual(dns_header(answer[8:]), (number, 0, 1))
            message = exchange(
                echo("10.0.3.2", GUEST, number, bytes(range(70 * number % 256)) * 4), ICMP
            )
            self.assertEqual((message[0], message[6:8]), (0, struct.pack("!H", number)))
        unreachable = exchange(udp("10.0.3.2", GUEST, 4000, PORT + 1, b"nobody there"), ICMP)
        self.assertEqual(unreachable[:2], b"\x03\x03")
        self.ends_well(server)


if __name__ == "__main__":
    namespaces.main()
