"""Tests Fata's stack on a tap, as a process and once as a kernel, on unusual links: MTUs from the
smallest to the largest, VLANs, a gateway outside the prefix, another host that claims the same
address, and a fragmented reply to a peer whose MAC address is not resolved yet. The peer is Linux,
in the test's own network namespace.
"""
import os
import re
import select
import signal
import socket
import struct
import subprocess
import time
import unittest

from dns import NameServerTest
from fata import BUILD, FATA
from frames import checksum
import namespaces
from pings import ping

OURS4, OURS6, HOST4, HOST6 = "10.77.0.2", "2001:db8:77::2", "10.77.0.1", "2001:db8:77::1"


def shell(script):
    return subprocess.run(
        ["bash", "-ec", script], check=True, text=True, capture_output=True, timeout=120
    ).stdout


def received_all(stream):
    parts = []
    while part := stream.recv(65536):
        parts.append(part)
    return b"".join(parts)


class Links(NameServerTest):
    @classmethod
    def setUpClass(cls):
        built = {
            name: (
                cls()
                .run_fata(
                    "build",
                    f"examples/devices/{name}",
                    "--net",
                    "direct",
                    "--build-dir",
                    BUILD / f"{name}-direct",
                )
                .stdout.splitlines()[0]
            )
            for name in ("tcp-echo", "udp-echo")
        }
        cls.tcp, cls.udp = built["tcp-echo"], built["udp-echo"]
        shell(
            "ip link set lo up; sysctl -qw net.ipv6.conf.default.accept_dad=0"
            " net.ipv6.conf.default.router_solicitations=0"
        )

    def link(self, mtu=1500, offload=True, script=""):
        shell(
            "ip link del fata0 2>/dev/null || true; ip tuntap add fata0 mode tap vnet_hdr; ip link"
            f" set fata0 mtu {mtu}; ip addr add {HOST4}/24 dev fata0; ip link set fata0 up; "
            + (f"ip addr add {HOST6}/64 dev fata0 nodad; " if mtu >= 1280 else "")
            + script
        )

    def serve(self, image, *words):
        return self.started([image, "--tap=fata0", "--port=7", *words])

    def started(self, line, seconds=10):
        server = subprocess.Popen(
            [str(word) for word in line], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        server.text = ""
        self.addCleanup(self.end, server)
        self.read(server, seconds, "echoing on port")
        self.assertIn("echoing on port", server.text)
        return server

    def read(self, server, seconds, until=None):
        end = time.monotonic() + seconds
        while not (until and until in server.text):
            if not select.select([server.stdout], [], [], max(0, end - time.monotonic()))[0]:
                break
            some = os.read(server.stdout.fileno(), 65536)
            if not some:
                break
            server.text += some.decode(errors="replace")
        return server.text

    def end(self, server):
        if server.stdout.closed:
            return
        if server.poll() is None:
            server.send_signal(signal.SIGTERM)
        server.text += server.stdout.read().decode(errors="replace")
        server.stdout.close()
        self.assertEqual(server.wait(10), 0, server.text)

    def answers_pings(self, to, *sizes):
        for size in sizes:
            self.assertEqual(ping(to, 2, size=size, every=0.05), (2, 2), f"{to}, {size} bytes")

    def until(self, true, otherwise, seconds=15):
        end = time.monotonic() + seconds
        while not true():
            self.assertLess(time.monotonic(), end, otherwise)
            time.sleep(0.1)

    def echoes_udp(self, to, sizes):
        family = socket.AF_INET6 if ":" in to else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            for size in sizes:
                data = os.urandom(size)
                client.sendto(data, (to, 7))
                self.assertEqual(client.recv(70000), data, f"{to}, {size} bytes")

    def echoes_tcp(self, to, size):
        data = os.urandom(size)
        with socket.create_connection((to, 7), timeout=20) as client:
            child = os.fork()
            if child == 0:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                os._exit(0)
            back = received_all(client)
            os.waitpid(child, 0)
        self.assertEqual(back, data, f"{to}, a stream of {size} bytes")

    def test_every_mtu_carries_pings_datagrams_and_streams(self):
        # 65521 is the largest MTU of a tap.
        for mtu in (68, 296, 576, 1280, 1500, 1992, 2004, 4000, 9000, 16384, 65521):
            for offload in ("true", "false"):
                with self.subTest(mtu=mtu, offload=offload):
                    self.link(mtu)
                    both = [OURS4] + ([OURS6] if mtu >= 1280 else [])
                    words = [
                        f"--offload={offload}",
                        f"--ipv4={OURS4}/24",
                        f"--ipv6={OURS6}/64" if mtu >= 1280 else "--ipv6=none",
                    ]
                    server = self.serve(self.udp, *words)
                    self.until(
                        lambda: ping(both[-1], 1, wait=1) == (1, 1), "its address is not in use"
                    )
                    for to in both:
                        header = 28 if to == OURS4 else 48
                        sizes = [1, mtu - header - 1, mtu - header, mtu - header + 1, 3 * mtu]
                        self.answers_pings(to, *(min(size, 65000) for size in sizes))
                        self.echoes_udp(to, [min(size, 65000) for size in sizes])
                    self.end(server)
                    server = self.serve(self.tcp, *words)
                    self.until(
                        lambda: ping(both[-1], 1, wait=1) == (1, 1), "its address is not in use"
                    )
                    for to in both:
                        self.echoes_tcp(to, 20_000 if mtu < 576 else 500_000)
                    self.end(server)

    def vlan_link(self):
        made = subprocess.run(
            "ip link add link lo name vlan9 type vlan id 9 && ip link del vlan9",
            shell=True,
            capture_output=True,
            text=True,
        )
        if made.returncode != 0:
            self.skipTest(f"Linux here has no VLANs (module 8021q): {made.stderr.strip()}")
        self.link(
            script=(
                "ip addr flush dev fata0; ip link add link fata0 name fata0.42 type vlan id 42; ip"
                f" link set fata0.42 up; ip addr add {HOST4}/24 dev fata0.42; ip addr add"
                f" {HOST6}/64 dev fata0.42 nodad"
            )
        )

    def test_a_vlan_of_linux_is_the_peer_of_a_kernel(self):
        self.vlan_link()
        kernel = ("examples/devices/tcp-echo", "-t", "kvm", "--build-dir", BUILD / "tcp-echo-kvm")
        self.run_fata("build", *kernel)
        for offload in ("true", "false"):
            with self.subTest(offload=offload):
                server = self.started(
                    [
                        *FATA,
                        "run",
                        *kernel,
                        "--accel",
                        "tcg",
                        "--memory",
                        "32",
                        "--link",
                        "tap:fata0",
                        "--",
                        "--vlan=42",
                        "--port=7",
                        f"--offload={offload}",
                        f"--ipv4={OURS4}/24",
                        f"--ipv6={OURS6}/64",
                    ],
                    60,
                )
                self.until(
                    lambda: ping(OURS6, 1, wait=1) == (1, 1), "its address is not in use", 60
                )
                for to in (OURS4, OURS6):
                    self.answers_pings(to, 0, 1452, 1472, 1473, 5000)
                    self.echoes_tcp(to, 500_000)
                self.end(server)

    def test_a_vlan_of_linux_is_its_peer(self):
        self.vlan_link()
        for offload in ("true", "false"):
            with self.subTest(offload=offload):
                words = [
                    f"--offload={offload}",
                    "--vlan=42",
                    f"--ipv4={OURS4}/24",
                    f"--ipv6={OURS6}/64",
                ]
                server = self.serve(self.udp, *words)
                self.until(lambda: ping(OURS6, 1, wait=1) == (1, 1), "its address is not in use")
                for to in (OURS4, OURS6):
                    self.answers_pings(to, 0, 1400, 1452, 1472, 1473, 5000, 65000)
                    self.echoes_udp(to, [0, 1452, 1472, 5000])
                self.end(server)
                server = self.serve(self.tcp, *words)
                self.until(lambda: ping(OURS6, 1, wait=1) == (1, 1), "its address is not in use")
                for to in (OURS4, OURS6):
                    self.echoes_tcp(to, 3_000_000)
                self.end(server)
        # An interface on another VLAN or without a tag does not answer.
        server = self.serve(self.udp, "--vlan=43", f"--ipv4={OURS4}/24", "--ipv6=none")
        self.assertEqual(ping(OURS4, 2, every=0.2, wait=1)[1], 0)
        self.end(server)
        server = self.serve(self.udp, f"--ipv4={OURS4}/24", "--ipv6=none")
        self.assertEqual(ping(OURS4, 2, every=0.2, wait=1)[1], 0)

    def test_frames_with_a_priority_alone_are_taken_by_an_untagged_interface(self):
        self.link()
        with Wire() as wire:
            self.serve(self.udp, f"--ipv4={OURS4}/24", "--ipv6=none")
            question = (
                struct.pack("!HHBBH", 1, 0x800, 6, 4, 1)
                + MAC
                + socket.inet_aton(HOST4)
                + bytes(6)
                + socket.inet_aton(OURS4)
            )
            self.assertIsNotNone(
                wire.asked(
                    b"\xff" * 6 + MAC + struct.pack("!HHH", 0x8100, 0xE000, 0x806) + question
                ),
                "a question with a priority got no answer",
            )

    def test_a_gateway_outside_of_the_prefix_reaches_it(self):
        self.link(
            script=(
                "ip addr flush dev fata0; ip -6 addr add 2001:db8:0:ff::1/64 dev fata0 nodad; ip -6"
                " route add 2001:db8:77::2/128 dev fata0; ip addr add 10.99.0.1/24 dev fata0; ip"
                " route add 10.77.0.2/32 dev fata0"
            )
        )
        self.serve(
            self.udp,
            f"--ipv4={OURS4}/32",
            "--ipv4-gateway=10.99.0.1",
            f"--ipv6={OURS6}/128",
            "--ipv6-gateway=2001:db8:0:ff::1",
        )
        self.until(lambda: ping(OURS6, 1, wait=1) == (1, 1), "the gateway does not reach it")
        for to in (OURS4, OURS6):
            self.assertEqual(ping(to, 3, every=0.1), (3, 3), to)
            self.echoes_udp(to, [10, 1000])

    def test_another_station_with_its_address_is_logged(self):
        self.link()
        with Wire() as wire:
            server = subprocess.Popen(
                [self.udp, "--tap=fata0", f"--ipv4={OURS4}/24", f"--ipv6={OURS6}/64"],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            server.text = ""
            self.addCleanup(self.end, server)
            ours = socket.inet_pton(socket.AF_INET6, OURS6)
            asked = wire.receive(
                30, lambda got: got[12:14] == b"\x86\xdd" and got[54] == 135 and got[62:78] == ours
            )
            self.assertIsNotNone(asked, "it did not ask whether its address is free")
            wire.send(advertisement(OURS6, MAC))
            for _ in range(20):
                wire.send(arp(1, MAC, OURS4, OURS4))
                time.sleep(0.02)
            self.read(server, 20, f"address {OURS6} ")
            self.read(server, 20, f"address {OURS4} ")
            self.read(server, 1)
            self.assertRegex(server.text, rf"error net: address {OURS6} .* 02:00:00:00:00:01")
            self.assertEqual(
                len(
                    re.findall(rf"warning? net: address {OURS4} .* 02:00:00:00:00:01", server.text)
                ),
                1,
                server.text,
            )

    def test_a_first_answer_in_fragments_goes_out_whole(self):
        self.link()
        peer = "10.77.0.50"
        with Wire() as wire:
            server = self.serve(self.udp, f"--ipv4={OURS4}/24", "--ipv6=none")
            ours = wire.asked(arp(1, MAC, HOST4, OURS4))[6:12]
            message = struct.pack("!BBHHH", 8, 0, 0, 7, 1) + bytes(range(250)) * 100
            message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
            for at in range(0, len(message), 1480):
                part = message[at : at + 1480]
                more = 0x2000 if at + 1480 < len(message) else 0
                head = struct.pack(
                    "!BBHHHBBH4s4s",
                    0x45,
                    0,
                    20 + len(part),
                    9,
                    more | at // 8,
                    64,
                    1,
                    0,
                    socket.inet_aton(peer),
                    socket.inet_aton(OURS4),
                )
                wire.send(
                    ours
                    + MAC
                    + b"\x08\x00"
                    + head[:10]
                    + struct.pack("!H", checksum(head))
                    + head[12:]
                    + part
                )
            got, end = {}, time.monotonic() + 5
            while sum(map(len, got.values())) < len(message) and time.monotonic() < end:
                frame = wire.receive(0.5)
                if (
                    frame
                    and frame[12:14] == b"\x08\x06"
                    and frame[21] == 1
                    and frame[38:42] == socket.inet_aton(peer)
                ):
                    wire.send(arp(2, MAC, peer, OURS4, ours))
                elif (
                    frame and frame[12:14] == b"\x08\x00" and frame[30:34] == socket.inet_aton(peer)
                ):
                    length, at = (
                        struct.unpack_from("!H", frame, 16)[0],
                        (struct.unpack_from("!H", frame, 20)[0] & 0x1FFF) * 8,
                    )
                    got[at] = frame[34 : 14 + length]
            self.assertEqual(b"".join(got[at] for at in sorted(got))[8:], message[8:])
            self.end(server)


MAC = bytes.fromhex("020000000001")


class Wire:
    """The far end of the tap, as a packet socket."""

    def __enter__(self):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind(("fata0", 3))
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, frame):
        self.socket.send(frame)

    def receive(self, seconds, wanted=lambda frame: True):
        end = time.monotonic() + seconds
        while select.select([self.socket], [], [], max(0, end - time.monotonic()))[0]:
            frame, where = self.socket.recvfrom(70000)
            if where[2] != socket.PACKET_OUTGOING and wanted(frame):
                return frame
        return None

    def asked(self, question):
        """Returns the ARP reply to this frame, or None. The frame is sent repeatedly until a reply
        arrives (at most 20 times), because Linux drops frames until it has detected the tap's
        carrier.
        """
        for _ in range(20):
            self.send(question)
            reply = self.receive(1, lambda got: got[12:14] == b"\x08\x06" and got[21] == 2)
            if reply:
                return reply
        return None


def arp(kind, mac, sender, target, to=b"\xff" * 6):
    return (
        to
        + mac
        + struct.pack("!HHHBBH", 0x806, 1, 0x800, 6, 4, kind)
        + mac
        + socket.inet_aton(sender)
        + bytes(6)
        + socket.inet_aton(target)
    )


def advertisement(address, mac):
    """A neighbour advertisement to all nodes, from the address itself."""
    source, to = socket.inet_pton(socket.AF_INET6, address), socket.inet_pton(
        socket.AF_INET6, "ff02::1"
    )
    body = struct.pack("!BBHI", 136, 0, 0, 0x20000000) + source + b"\x02\x01" + mac
    total = checksum(source + to + struct.pack("!II", len(body), 58) + body)
    body = body[:2] + struct.pack("!H", total) + body[4:]
    return (
        b"\x33\x33\0\0\0\1"
        + mac
        + b"\x86\xdd"
        + struct.pack("!IHBB", 0x60000000, len(body), 58, 255)
        + source
        + to
        + body
    )


if __name__ == "__main__":
    namespaces.main()
