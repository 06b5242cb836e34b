"""Fata's stack as a process on a tap, with Linux as its neighbour, router and far peer, in the
test's own namespaces: both families, fragments both ways, neighbours that are resolved again,
addresses from a router, and a path with a smaller MTU.
"""
import errno
import os
import re
import signal
import socket
import struct
import subprocess
import time
import unittest

from dns import DIRECT, NameServerTest, ask_many, query
import namespaces
from pings import ping

OURS4, OURS6, HOST4, HOST6, PORT = (
    "10.77.0.2",
    "2001:db8:77::2",
    "10.77.0.1",
    "2001:db8:77::1",
    1053,
)


def shell(script):
    return subprocess.run(
        ["bash", "-ec", script], check=True, text=True, capture_output=True, timeout=120
    ).stdout


class Peer(NameServerTest):
    @classmethod
    def setUpClass(cls):
        cls.image = cls().run_fata("build", *DIRECT).stdout.splitlines()[0]
        shell(
            "ip link set lo up; sysctl -qw net.ipv6.conf.default.accept_dad=0"
            " net.ipv6.conf.all.forwarding=1 net.ipv4.ip_forward=1; ip tuntap add fata0 mode tap"
            f" vnet_hdr; ip addr add {HOST4}/24 dev fata0; ip addr add {HOST6}/64 dev fata0 nodad;"
            " ip link set fata0 up"
        )

    def serve(self, *words):
        # The kernel releases the previous process's tap a moment after that process ends.
        for _ in range(50):
            server = subprocess.Popen(
                [
                    self.image,
                    "--tap=fata0",
                    f"--ipv4={OURS4}/24",
                    f"--ipv4-gateway={HOST4}",
                    "--rrl=off",
                    *words,
                ],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            said = ""
            for line in server.stdout:
                said += line
                if "serving on port" in line:
                    self.addCleanup(self.end, server)
                    return server
            server.stdout.close()
            server.wait(10)
            if "in use by another process" not in said:
                break
            time.sleep(0.1)
        self.fail(f"it did not start: {said}")

    def end(self, server):
        if server.poll() is None:
            server.send_signal(signal.SIGTERM)
        said = server.stdout.read()
        server.stdout.close()
        self.assertEqual(server.wait(10), 0, said)

    def static(self):
        server = self.serve(f"--ipv6={OURS6}/64", f"--ipv6-gateway={HOST6}")
        self.until(lambda: ping(OURS6, 1, wait=1) == (1, 1), "its address is not in use")
        return server

    def until(self, true, otherwise, seconds=15):
        end = time.monotonic() + seconds
        while not true():
            self.assertLess(time.monotonic(), end, otherwise)
            time.sleep(0.1)

    def test_pings_of_every_size_and_many_of_them(self):
        self.static()
        for to in (OURS4, OURS6):
            for size in (0, 8, 1400, 1452, 1453, 1472, 1473, 2960, 9001, 65000):
                self.assertEqual(ping(to, 2, size=size, every=0.01), (2, 2), f"{to} {size}")
            self.assertEqual(ping(to, 1000, size=6000, every=0), (1000, 1000), to)
        self.assertEqual(ping("ff02::1%fata0", 1, wait=1)[0], 1)

    def test_names_over_both_families(self):
        self.static()
        self.answers_dig(OURS4, PORT)
        self.answers_dig(OURS6, PORT)
        self.assertEqual(ask_many(OURS4, PORT, 2000), 2000)

    def test_closed_ports_are_refused(self):
        self.static()
        for family, to in ((socket.AF_INET, OURS4), (socket.AF_INET6, OURS6)):
            with socket.socket(family, socket.SOCK_DGRAM) as client:
                client.connect((to, PORT + 1))
                client.settimeout(5)
                client.send(query(1))
                with self.assertRaises(OSError) as caught:
                    client.recv(1000)
                self.assertEqual(caught.exception.errno, errno.ECONNREFUSED)

    def test_linux_finds_its_neighbour_reachable_again_and_again(self):
        self.static()
        for to in (OURS4, OURS6):
            mac = re.search(
                r"lladdr (\S+)", shell(f"ping -c 1 {to} >/dev/null; ip neigh show {to}")
            )[1]
            for _ in range(3):
                shell(f"ip neigh change {to} lladdr {mac} nud probe dev fata0")
                self.until(
                    lambda: "REACHABLE" in shell(f"ip neigh show {to}"), f"{to} did not answer"
                )
            shell(f"ip neigh del {to} dev fata0")
            self.assertEqual(ping(to, 1), (1, 1))

    def test_it_takes_an_address_and_a_router_from_an_advertisement(self):
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86DD)) as wire:
            wire.bind(("fata0", 0x86DD))
            wire.settimeout(10)
            self.serve()  # --ipv6=auto

            def heard(right):
                while True:
                    frame = wire.recv(2000)
                    if len(frame) >= 70 and frame[20] == 58 and right(frame):
                        return frame

            heard(lambda frame: frame[54] == 133)  # a router solicitation
            index = socket.if_nametoindex("fata0")
            prefix = socket.inet_pton(socket.AF_INET6, "2001:db8:88::")
            message = (
                struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
                + struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 7200, 3600, 0)
                + prefix
            )
            with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as router:
                router.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
                router.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
                router.sendto(message, ("ff02::1", 0, 0, index))
            asked = heard(
                lambda frame: frame[54] == 135
                and frame[22:38] == bytes(16)
                and frame[62:70] == prefix[:8]
            )
        address = socket.inet_ntop(socket.AF_INET6, asked[62:78])
        shell("ip addr add 2001:db8:88::1/64 dev fata0 nodad")
        self.addCleanup(shell, "ip addr del 2001:db8:88::1/64 dev fata0")
        self.until(lambda: ping(address, 1, wait=1) == (1, 1), f"{address} is not in use")
        # It also sends through the router to a destination that is not on the link.
        shell("ip addr add 2001:db8:99::1/128 dev lo")
        self.addCleanup(shell, "ip addr del 2001:db8:99::1/128 dev lo")
        self.assertEqual(ping(address, 1, source="2001:db8:99::1"), (1, 1))

    def test_it_finds_out_what_a_path_carries(self):
        self.static()
        far = subprocess.Popen(["unshare", "-n", "sleep", "1000"])
        self.addCleanup(far.wait)
        self.addCleanup(far.kill)
        self.until(
            lambda: os.readlink(f"/proc/{far.pid}/ns/net") != os.readlink("/proc/self/ns/net"),
            "no namespace",
        )
        inside = ["nsenter", "-t", str(far.pid), "-n"]
        shell(
            f"ip link add near0 type veth peer name far0; ip link set far0 netns {far.pid}; ip addr"
            " add 10.78.0.1/24 dev near0; ip addr add 2001:db8:78::1/64 dev near0 nodad; ip link"
            f" set near0 mtu 1300 up; {' '.join(inside)} bash -ec 'sysctl -qw"
            " net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.far0.accept_dad=0; ip link set lo up;"
            " ip addr add 10.78.0.2/24 dev far0; ip addr add 2001:db8:78::2/64 dev far0 nodad; ip"
            " link set far0 mtu 1300 up; ip route add default via 10.78.0.1; ip route add default"
            " via 2001:db8:78::1'"
        )
        self.addCleanup(shell, "ip link del near0")
        for to in (OURS4, OURS6):
            # The far side sends its request in fragments. The first answer is too long for its
            # link; later answers are fragmented.
            def answered(*words):
                return (
                    subprocess.run(
                        [*inside, "ping", "-q", "-W", "1", *words, to],
                        capture_output=True,
                        timeout=60,
                    ).returncode
                    == 0
                )

            self.until(lambda: answered("-c", "1", "-s", "1220"), f"no way to {to}")
            self.until(
                lambda: answered("-c", "2", "-i", "0.1", "-s", "1400"),
                f"{to} goes on with packets that do not fit",
            )


if __name__ == "__main__":
    namespaces.main()
