"""Fata's TCP and ICMP with stock peers at the far end of a bad path: through a relay that loses,
delays, duplicates and reorders, through a filter that drops at random, through a narrow link, and
across routers with a smaller MTU on one link. Every returned byte is compared. Fata's own stack
runs as a process; all namespaces belong to the test and end with it.
"""
import os
import random
import re
import select
import signal
import json
import socket
import subprocess
import time
import unittest

from dns import Served
from fata import BUILD, FataTest
import namespaces
from pings import ping

ECHO = ("examples/devices/tcp-echo", "--net", "direct", "--build-dir", BUILD / "tcp-echo-direct")
IPERF = ("apps/iperf", "--net", "direct", "--build-dir", BUILD / "iperf-direct")
PING = ("examples/devices/ping6", "--net", "direct", "--build-dir", BUILD / "ping6-direct")
RELAY = os.environ.get("FATA_TEST_RELAY", "build/dev/tests/tools/relay/relay")
PORT = 7007


def shell(script):
    done = subprocess.run(["bash", "-ec", script], text=True, capture_output=True, timeout=60)
    assert done.returncode == 0, f"{script}\n{done.stdout}{done.stderr}"
    return done.stdout


def within(namespace, script):
    return shell(f"nsenter --net=/run/netns/{namespace} bash -ec '{script}'")


class Path(FataTest):
    """The peers are in the test's namespace; Fata is in another, `home`, on the tap fata0."""

    @classmethod
    def setUpClass(cls):
        cls.images = {
            of: cls().run_fata("build", *of).stdout.splitlines()[0] for of in (ECHO, IPERF, PING)
        }

    def start(self, of, *words):
        address, gateway, address6, gateway6 = self.ours
        line = [
            "nsenter",
            f"--net=/run/netns/{self.home}",
            self.images[of],
            "--tap=fata0",
            f"--ipv4={address}/24",
            f"--ipv4-gateway={gateway}",
            f"--ipv6={address6}/64",
            f"--ipv6-gateway={gateway6}",
            *words,
        ]
        # The kernel releases the previous process's tap a moment after that process ends.
        for attempt in range(50):
            try:
                server = Served(line, ready=" on port ")
                break
            except AssertionError as error:
                if "in use by another process" not in str(error) or attempt == 49:
                    raise
                time.sleep(0.1)
        self.addCleanup(server.__exit__)
        for to in (address, address6):
            end = time.monotonic() + 10
            while ping(to, 1, wait=0.3)[1] == 0:
                self.assertLess(time.monotonic(), end, f"{to} is not in use")
        return server

    def stopped(self, server):
        self.assertEqual(server.stop(), 0, server.text)
        return server.text

    def echoes(self, to, size, seconds=30):
        """Sends bytes and reads them at the same time; returns the duration in seconds. All bytes
        must come back, followed by the end of the stream.
        """
        sent = random.Random(size).randbytes(size)
        began, back, at, open_ = time.monotonic(), bytearray(), 0, True
        with socket.create_connection((to, PORT), timeout=seconds) as peer:
            peer.setblocking(False)
            while open_:
                self.assertLess(
                    time.monotonic() - began,
                    seconds,
                    f"{to}: {at} bytes sent, {len(back)} came back",
                )
                readable, writable, _ = select.select([peer], [peer] if at < size else [], [], 1)
                if writable:
                    at += peer.send(sent[at : at + 65536])
                    if at == size:
                        peer.shutdown(socket.SHUT_WR)
                if readable:
                    some = peer.recv(65536)
                    back += some
                    open_ = bool(some)
        self.assertEqual(len(back), size, to)
        self.assertTrue(back == sent, f"{to}: other bytes came back")
        return time.monotonic() - began

    def piped(self, *line, text):
        done = subprocess.run(line, input=text, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(
            done.stdout == text,
            f"{line}: of {len(text)} bytes came back {len(done.stdout)}, or others",
        )

    def iperf3(self, to, *words):
        done = subprocess.run(
            ["iperf3", "-J", "-c", to, *words], text=True, capture_output=True, timeout=60
        )
        report = json.loads(done.stdout)
        self.assertEqual(
            (done.returncode, report.get("error")), (0, None), done.stdout + done.stderr
        )
        return report["end"]


class ThroughARelay(Path):
    home = "fata-home"
    ours = "10.0.2.15", "10.0.2.2", "2001:db8:2::15", "2001:db8:2::2"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        shell(f"ip netns add {cls.home}")
        within(
            cls.home,
            (
                "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1;"
                " ip link set lo up; ip tuntap add fata0 mode tap vnet_hdr; ip link set fata0 up"
            ),
        )

    def relay(self, *words, drop=""):
        """A wire between wire1, on the peers' side, and Fata's tap, joined by forwards that may
        drop packets.
        """
        wire = subprocess.Popen(
            [RELAY, f"{self.home}:wire0", "wire1", *words], text=True, stdout=subprocess.PIPE
        )
        self.addCleanup(lambda: wire.stdout.closed or self.end(wire))
        self.assertEqual(wire.stdout.readline(), "ready\n")
        shell(
            "ip addr add 10.0.2.2/24 dev wire1; ip addr add 2001:db8:2::2/64 dev wire1 nodad; ip"
            " link set wire1 up"
        )
        within(
            self.home,
            (
                "ip link set wire0 up; nft -f - <<NFT\ntable netdev join { chain there { type"
                f" filter hook ingress device wire0 priority 0; {drop} fwd to fata0; }}\nchain back"
                f" {{ type filter hook ingress device fata0 priority 0; {drop} fwd to wire0;"
                " }\n}\nNFT\n"
            ),
        )
        self.addCleanup(within, self.home, "nft delete table netdev join")
        return wire

    def end(self, wire):
        wire.send_signal(signal.SIGTERM)
        said = wire.stdout.read()
        wire.stdout.close()
        self.assertEqual(wire.wait(10), 0)
        return said

    def test_bytes_are_whole_after_loss_delay_doubles_and_disorder(self):
        wire = self.relay(
            "--loss",
            "0.01",
            "--delay",
            "5",
            "--jitter",
            "1",
            "--reorder",
            "0.02",
            "--reorder-delay",
            "3",
            "--duplicate",
            "0.01",
        )
        server = self.start(ECHO)
        for to in self.ours[0], self.ours[2]:
            self.echoes(to, 1_000_000)
        whole = random.Random(4).randbytes(500_000)
        self.piped("nc", "-N", self.ours[0], str(PORT), text=whole)
        self.piped("nc", "-6", "-N", self.ours[2], str(PORT), text=whole)
        self.assertIn(" 0 broken", self.stopped(server))
        for way in self.end(wire).splitlines():
            lost, doubled, overtaken = map(
                int, re.search(r"(\d+) lost, (\d+) doubled, (\d+) overtaken", way).groups()
            )
            self.assertTrue(lost > 5 and doubled > 5 and overtaken > 10, way)

    def test_bytes_are_whole_after_a_filter_that_drops_at_random(self):
        self.relay("--delay", "2", drop="numgen random mod 100 < 2 drop;")
        server = self.start(ECHO)
        for to in self.ours[0], self.ours[2]:
            self.echoes(to, 1_000_000)
        self.assertIn(" 0 broken", self.stopped(server))

    def test_curl_sends_text_and_gets_it_back(self):
        self.relay("--delay", "1")
        server = self.start(ECHO)
        text = b"".join(b"%06d of the lines that come back\n" % number for number in range(30))
        for to in self.ours[0], f"[{self.ours[2]}]":
            line = ["curl", "-s", "-N", "-m", "20", f"telnet://{to}:{PORT}"]
            with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as curl:
                # Sends one text at a time: with any peer, curl drops data that its socket does not
                # accept at once.
                for _ in range(50):
                    curl.stdin.write(text)
                    curl.stdin.flush()
                    self.assertEqual(curl.stdout.read(len(text)), text)
                curl.kill()
        self.stopped(server)

    def test_iperf3_goes_on_both_ways_through_loss(self):
        self.relay("--loss", "0.01", "--delay", "5")
        server = self.start(IPERF)
        for to in self.ours[0], self.ours[2]:
            for way in ((), ("-R",)):
                end = self.iperf3(to, "-t", "1.5", *way)
                self.assertGreater(end["sum_received"]["bits_per_second"], 2e6, (to, way))
        self.stopped(server)

    def test_a_narrow_link_is_filled_and_not_flooded(self):
        self.relay()
        shell("tc qdisc add dev wire1 root tbf rate 20mbit burst 16kb latency 50ms")
        within(self.home, "tc qdisc replace dev wire0 root tbf rate 20mbit burst 16kb latency 50ms")
        server = self.start(IPERF)
        for way in ((), ("-R",)):
            rates = []
            # A busy machine only lowers the rate.
            while len(rates) < 5 and max(rates, default=0) < 15e6:
                end = self.iperf3(self.ours[0], "-t", "2", *way)
                rates.append(end["sum_received"]["bits_per_second"])
                self.assertLess(rates[-1], 20.5e6, way)
                self.assertLess(end["sum_sent"]["bytes"], 1.3 * end["sum_received"]["bytes"], way)
            self.assertGreater(max(rates), 15e6, f"{way}: {rates}")
        queue = json.loads(within(self.home, "tc -s -j qdisc show dev wire0"))[0]
        self.assertLess(queue["drops"], 0.1 * queue["packets"], queue)
        self.stopped(server)

    def test_a_flood_of_pings_loses_none(self):
        self.relay()
        self.start(ECHO)
        for to in self.ours[0], self.ours[2]:
            self.assertEqual(ping(to, 1000, size=1000, every=0), (1000, 1000))
            # In fragments, both ways.
            self.assertEqual(ping(to, 300, size=4000, every=0), (300, 300))


class AcrossRouters(Path):
    """The path: the test's namespace, a link of 1500 bytes, router `mid`, a link of 1400, router
    `home`, the tap of 1500, Fata.
    """

    home = "fata-near"
    mid = "fata-mid"
    ours = "10.77.0.2", "10.77.0.1", "2001:db8:77::2", "2001:db8:77::1"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        routes = (
            "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"
            " net.ipv6.conf.default.forwarding=1 net.ipv4.icmp_ratelimit=0"
            " net.ipv6.icmp.ratelimit=0 net.ipv6.conf.default.accept_dad=0; ip link set lo up"
        )
        shell(f"ip netns add {cls.home}; ip netns add {cls.mid}")
        for each in cls.home, cls.mid:
            within(each, routes)
        shell(
            f"ip link add far0 type veth peer name mid1 netns {cls.mid}; ip link add near0 netns"
            f" {cls.home} type veth peer name mid0 "
            f"netns {cls.mid}; ip addr add 10.79.0.2/24 dev far0; ip addr add 2001:db8:79::2/64 dev"
            " far0 nodad; ip link set far0 up; "
            # Packets from here fit the path, but the advertised MSS is larger than the path
            # carries.
            "ip route add 10.77.0.0/24 via 10.79.0.1 mtu lock 1300 advmss 1460; "
            "ip -6 route add 2001:db8:77::/64 via 2001:db8:79::1 mtu lock 1300 advmss 1440"
        )
        within(
            cls.mid,
            (
                "ip addr add 10.79.0.1/24 dev mid1; ip addr add 2001:db8:79::1/64 dev mid1 nodad;"
                " ip link set mid1 up; ip addr add 10.78.0.2/24 dev mid0; ip addr add"
                " 2001:db8:78::2/64 dev mid0 nodad; ip link set mid0 mtu 1400 up; ip route add"
                " default via 10.78.0.1; ip route add default via 2001:db8:78::1"
            ),
        )
        within(
            cls.home,
            (
                "ip tuntap add fata0 mode tap vnet_hdr; ip addr add 10.77.0.1/24 dev fata0; ip addr"
                " add 2001:db8:77::1/64 dev fata0 nodad; ip link set fata0 up; ip addr add"
                " 10.78.0.1/24 dev near0; ip addr add 2001:db8:78::1/64 dev near0 nodad; ip link"
                " set near0 mtu 1400 up; ip route add default via 10.78.0.2; ip route add default"
                " via 2001:db8:78::2"
            ),
        )

    def watch(self, *, silent=False):
        """Counts, in the router next to Fata, the errors sent to Fata and the packets from Fata
        that are too long. With `silent`, the errors are dropped.
        """
        lost = "drop" if silent else ""
        within(
            self.home,
            f"""nft -f - <<NFT
table inet watch {{
  counter told {{ packets 0 bytes 0 }}
  counter long {{ packets 0 bytes 0 }}
  chain out {{ type filter hook output priority 0;
    ip daddr {self.ours[0]} icmp type destination-unreachable counter name told {lost};
    ip6 daddr {self.ours[2]} icmpv6 type packet-too-big counter name told {lost};
  }}
  chain in {{
    type filter hook prerouting priority 0; iif fata0 meta length > 1400 counter name long;
  }}
}}
NFT
""",
        )
        self.addCleanup(within, self.home, "nft delete table inet watch")

    def seen(self):
        text = within(self.home, "nft list counters table inet watch")
        return tuple(
            int(re.search(rf"counter {name} {{\s+packets (\d+)", text)[1])
            for name in ("told", "long")
        )

    def test_a_path_is_traced_to_its_end_by_every_means(self):
        server = self.start(ECHO)
        paths = {
            "-4": ["10.79.0.1", "10.78.0.1", self.ours[0]],
            "-6": ["2001:db8:79::1", "2001:db8:78::1", self.ours[2]],
        }
        for family, hops in paths.items():
            # One probe at a time: Fata limits its errors to ten at once and then a hundred per
            # second. The answers are a port unreachable, an echo, a reset, and the handshake of an
            # open port.
            for how in (
                ("-U",),
                ("-p", "33434"),
                ("-I",),
                ("-T", "-p", str(PORT + 1)),
                ("-T", "-p", str(PORT)),
            ):
                said = shell(f"traceroute.db {family} -n -q 1 -N 1 -w 2 {' '.join(how)} {hops[-1]}")
                self.assertEqual(
                    [line.split()[1] for line in said.splitlines()[1:]], hops, f"{how}: {said}"
                )
            said = shell(f"tracepath {family} -n {hops[-1]}")
            self.assertIn("reached", said)
        self.stopped(server)

    def asks(self, to, *words, status, log=""):
        """The output of ping6, without its log, which contains `log`."""
        address, gateway, address6, gateway6 = self.ours
        line = [
            "nsenter",
            f"--net=/run/netns/{self.home}",
            self.images[PING],
            "--tap=fata0",
            f"--ipv4={address}/24",
            f"--ipv4-gateway={gateway}",
            f"--ipv6={address6}/64",
            f"--ipv6-gateway={gateway6}",
            f"--to={to}",
            "--interval=50ms",
            *words,
        ]
        for _ in range(50):
            done = subprocess.run(line, text=True, capture_output=True, timeout=30)
            if "in use by another process" not in done.stderr:
                break
            time.sleep(0.1)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertIn(log, done.stderr)
        return done.stdout

    def test_its_own_pings_come_back_or_say_why_not(self):
        for to, size in (
            ("10.79.0.2", 56),
            ("2001:db8:79::2", 56),
            ("10.79.0.2", 0),
            ("2001:db8:79::2", 1300),
        ):
            said = self.asks(to, "--count=3", f"--size={size}", status=0)
            for number in 1, 2, 3:
                self.assertRegex(
                    said,
                    rf"(?m)^{size + 8} bytes from {to}: seq={number} hops=62 time=\d+\.\d{{3}} ms$",
                )
            self.assertRegex(
                said,
                (
                    r"\n3 sent, 3 received, 0% lost\ntime min/avg/max = [\d.]+ ms / [\d.]+ ms /"
                    r" [\d.]+ ms\n$"
                ),
            )
        # The link behind the first router has a smaller MTU: the first request is too big, and
        # later ones are sent in fragments.
        for to in "10.79.0.2", "2001:db8:79::2":
            said = self.asks(to, "--count=3", "--size=1440", status=0)
            self.assertRegex(said, r"(?m)^seq=1 echo: too big for the path$")
            self.assertIn("3 sent, 2 received, 33% lost", said)
        within(
            self.mid,
            (
                "ip route add prohibit 10.80.0.0/16; ip route add prohibit 2001:db8:80::/48; nft"
                " add table inet hops; nft add chain inet hops in \\{ type filter hook prerouting"
                " priority 0\\; \\}; nft add rule inet hops in ip daddr 10.81.0.1 ip ttl set 1; nft"
                " add rule inet hops in ip6 daddr 2001:db8:81::1 ip6 hoplimit set 1"
            ),
        )
        self.addCleanup(within, self.mid, "nft delete table inet hops")
        for to, error in (
            ("10.80.0.1", "the host is unreachable, code (13)"),
            ("2001:db8:80::1", "the host is unreachable, code (1)"),
            ("10.81.0.1", "time exceeded on the way"),
            ("2001:db8:81::1", "time exceeded on the way"),
        ):
            said = self.asks(to, "--count=2", status=1)
            self.assertIn(f"seq=2 echo: {error}\n", said)
            self.assertTrue(said.endswith("2 sent, 0 received, 100% lost\n"), said)
        self.assertIn(
            "seq=1 no answer in ", self.asks("10.77.0.9", "--count=1", "--timeout=200ms", status=1)
        )
        said = self.asks("localhost", "--count=1", status=0)
        self.assertRegex(said, r"^PING ::1 56 bytes of data\n64 bytes from ::1: ")
        for name, reason in (
            ("nothing.invalid", "the name does not exist"),
            ("www.example.org", "no name server is known"),
        ):
            self.asks(name, status=1, log=f"error ping6: {name}: resolver: {reason}\n")

    def test_it_sends_what_a_path_carries_once_it_is_told(self):
        self.watch()
        for offload in "off", "on":
            server = self.start(ECHO, f"--offload={offload}")
            for to in self.ours[0], self.ours[2]:
                told, long = self.seen()
                self.assertLess(self.echoes(to, 500_000), 5)
                again = self.seen()
                self.assertGreater(again[0], told, f"{to} was told nothing")
                if offload == "off":
                    self.assertLess(again[1] - long, 30, "what was in flight when it was told")
                self.assertLess(self.echoes(to, 500_000), 5)
                self.assertEqual(self.seen()[0], again[0], f"{to} forgot what it was told")
                if offload == "off":
                    self.assertEqual(self.seen()[1], again[1])
            self.assertIn(" 0 broken", self.stopped(server))

    def test_it_finds_out_what_a_path_carries_when_nobody_says(self):
        self.watch(silent=True)
        server = self.start(ECHO, "--offload=off")
        for to in self.ours[0], self.ours[2]:
            self.echoes(to, 300_000)
        told, long = self.seen()
        self.assertGreater(told, 2, "packets that were too long, of which nobody heard")
        self.assertIn(" 0 broken", self.stopped(server))


def prepare():
    """Makes room for named namespaces that are visible only here and end with this process."""
    shell(
        "mkdir -p /run/netns; mount -t tmpfs none /run/netns; ip link set lo up; "
        "sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv4.tcp_no_metrics_save=1"
    )


if __name__ == "__main__":
    namespaces.main(prepare=prepare)
