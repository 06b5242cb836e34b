"""apps/iperf against the stock iperf3, both as server and as client: as a process on the host's
sockets, on Fata's own stack on a tap, and as a kernel on a tap. Also its behaviour with peers that
violate the protocol.
"""
import json
import os
import signal
import socket
import struct
import subprocess
import time
import unittest

from dns import Served, free_port
from fata import BUILD, FATA, FataTest
from namespaces import INSIDE, enter, may_make_namespaces

PROCESS = ("apps/iperf", "--build-dir", BUILD / "iperf-linux")
DIRECT = ("apps/iperf", "--net", "direct", "--build-dir", BUILD / "iperf-direct")
KERNEL = ("apps/iperf", "-t", "kvm", "--build-dir", BUILD / "iperf-kvm")
HOST, GUEST, DATAGRAMS = "10.0.2.2", "10.0.2.15", ("-u", "-l", "1400", "-b", "20M")


def framed(text):
    return struct.pack("!I", len(text)) + text


class Iperf(FataTest):
    def runs(self, *words):
        """Runs a stock server until the test ends."""
        words = [str(word) for word in words]
        server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        time.sleep(0.3)

    def served(self, line, **options):
        server = Served(line, **options)
        self.addCleanup(server.__exit__)
        return server

    def iperf3(self, *words, seconds=1):
        """The report of the stock client."""
        ends = {"-n", "-k", "-t"} & set(words)
        done = subprocess.run(
            ["iperf3", "-J", *([] if ends else ["-t", str(seconds)]), *words],
            text=True,
            capture_output=True,
            timeout=60,
        )
        report = json.loads(done.stdout)
        self.assertNotIn("error", report, done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return report

    def measured(self, measure, good):
        """The first good report of five: a busy machine loses datagrams and time."""
        for _ in range(5):
            report = measure()
            if good(report):
                return report
        self.fail(report)

    def measures(self, server, *words, most_lost=50):
        """Every kind of test moves bytes, and receives no more than was sent."""
        for way in ((), ("-R",), ("-P", "4"), ("-P", "4", "-R"), ("--bidir",)):
            report = self.measured(
                lambda: self.iperf3("-c", server, *words, *way),
                lambda report: 0.9 < report["end"]["sum_received"]["seconds"] < 1.5,
            )
            end = report["end"]
            sent, received = end["sum_sent"]["bytes"], end["sum_received"]["bytes"]
            self.assertGreater(received, 100_000, way)
            self.assertLessEqual(received, sent, way)
            self.assertEqual(
                len(report["end"]["streams"]), {"-P": 4, "--bidir": 2}.get(way[0] if way else "", 1)
            )
        report = self.iperf3("-c", server, *words, "-n", "3M", "-R")
        self.assertGreaterEqual(report["end"]["sum_received"]["bytes"], 3 << 20)
        self.measured(
            lambda: self.iperf3("-c", server, *words, "-b", "20M"),
            lambda report: 10e6 < report["end"]["sum_received"]["bits_per_second"] < 30e6,
        )
        for way in ((), ("-R",), ("-P", "2", "--udp-counters-64bit")):
            # About one second's worth of each stream arrived, in order.
            self.measured(
                lambda: self.iperf3("-c", server, *words, *DATAGRAMS, *way)["end"],
                lambda end: end["sum"]["jitter_ms"] < 50
                and all(
                    stream["udp"]["packets"] > 500 and stream["udp"]["lost_percent"] < most_lost
                    for stream in end["streams"]
                ),
            )

    def ends_well(self, server, failed=0):
        time.sleep(0.3)  # a client exits right after its last byte to the server
        self.assertEqual(server.stop(), 0, server.text)
        self.assertIn(f" tests, {failed} failed, ", server.text.splitlines()[-1])


class OnTheHost(Iperf):
    @classmethod
    def setUpClass(cls):
        cls().run_fata("build", *PROCESS)

    def serve(self, *words):
        self.port = free_port()
        return self.served([*FATA, "run", *PROCESS, "--", f"--port={self.port}", *words])

    def client(self, *words, port=None, status=0):
        return self.run_fata(
            "run",
            *PROCESS,
            "--",
            "--client=127.0.0.1",
            f"--port={port or self.port}",
            *words,
            status=status,
        )

    def test_serves_the_stock_client(self):
        server = self.serve()
        self.measures("127.0.0.1", "-p", str(self.port), most_lost=5)
        report = self.iperf3("-c", "127.0.0.1", "-p", str(self.port), "-O", "1", "-t", "1")
        self.assertGreater(report["end"]["sum_received"]["seconds"], 0.9)
        self.ends_well(server)
        self.assertIn(" test 1: TCP, 1 stream, received ", server.text)

    def test_finds_a_server_by_its_name(self):
        server = self.serve()
        done = self.run_fata(
            *("run", *PROCESS, "--", "--client=localhost", f"--port={self.port}", "--bytes=1M")
        )
        self.assertRegex(done.stdout, rf"Connected to (\[::1\]|127\.0\.0\.1):{self.port}: TCP")
        self.ends_well(server)

    def test_measures_with_the_stock_server(self):
        port = free_port()
        self.runs("iperf3", "-s", "-p", port)
        for way in (
            (),
            ("--reverse",),
            ("--parallel=4",),
            ("--bidir",),
            ("--bytes=5M",),
            ("--reverse", "--bytes=5M"),
        ):
            said = self.client(*way, "--time=1s", "--json", port=port).stdout
            end = json.loads(said)["end"]
            self.assertGreater(end["sum_sent"]["bytes"], 5_000_000, way)
            # In a test of a given number of bytes, the stock server does not count data in flight
            # at the end.
            self.assertGreater(
                end["sum_received"]["bytes"], 1 if way == ("--bytes=5M",) else 1_000_000, way
            )
            self.assertLessEqual(end["sum_received"]["bytes"], end["sum_sent"]["bytes"], way)
            self.assertEqual(
                len(end["streams"]), {"--parallel=4": 4, "--bidir": 2}.get(way[0] if way else "", 1)
            )
        for way in ((), ("--reverse", "--parallel=2")):
            self.measured(
                lambda: json.loads(
                    self.client(
                        *way, "--udp", "--bitrate=20M", "--time=1s", "--json", port=port
                    ).stdout
                )["end"]["streams"],
                lambda streams: all(
                    stream["udp"]["packets"] > 1000 and stream["udp"]["lost_percent"] < 5
                    for stream in streams
                ),
            )

    def test_reports_for_people(self):
        server = self.serve("--one-off")
        said = self.client("--time=1s", "--interval=250ms").stdout
        self.assertRegex(said, r"^Connected to 127\.0\.0\.1:\d+: TCP, 1 stream, sending\n")
        self.assertGreaterEqual(
            len([line for line in said.splitlines() if line.startswith("[  1]  0.")]), 5
        )
        self.assertRegex(
            said, r"\n\[  1\]  0\.00-1\.\d\d  s  [\d.]+ [MG]Bytes  [\d.]+ [MG]bits/s  receiver\n$"
        )
        server.process.wait(timeout=10)  # it exits by itself
        self.assertEqual(server.process.returncode, 0)

    def test_a_second_client_is_told_that_the_server_is_busy(self):
        server = self.serve()
        first = subprocess.Popen(
            ["iperf3", "-J", "-c", "127.0.0.1", "-p", str(self.port), "-t", "2"],
            text=True,
            stdout=subprocess.PIPE,
        )
        time.sleep(0.5)
        second = subprocess.run(
            ["iperf3", "-c", "127.0.0.1", "-p", str(self.port), "-t", "1"],
            text=True,
            capture_output=True,
        )
        self.assertIn("the server is busy running a test", second.stderr)
        said = self.client("--time=1s", "--json", status=1)
        self.assertEqual(
            json.loads(said.stdout), {"error": "iperf: the server is busy with another test"}
        )
        self.assertIn("error iperf: 127.0.0.1 port ", said.stderr)
        self.assertNotIn("error", json.loads(first.communicate()[0]))
        self.ends_well(server)
        self.assertIn(", 2 refused", server.text)

    def test_bad_peers_do_not_keep_it_from_serving(self):
        server = self.serve()
        self.refusals = 0

        def connect(cookie):
            peer = socket.create_connection(("127.0.0.1", self.port), timeout=15)
            self.addCleanup(peer.close)
            peer.sendall(cookie)
            return peer

        def begin(letter):
            """Opens a test's control connection after the previous test is over."""
            for _ in range(50):
                peer = connect(letter * 36 + b"\0")
                if (state := peer.recv(1)) == b"\x09":
                    return peer
                self.assertEqual(state, b"\xff")
                self.refusals += 1
                time.sleep(0.05)
            self.fail("it stays busy")

        def refused(said, parameters):
            with begin(b"x") as peer:
                peer.sendall(parameters)
                self.assertEqual(peer.recv(100), said)
                self.assertEqual(peer.recv(1), b"")

        def error(number):
            return b"\xfe" + struct.pack("!II", number, 0)

        silent = connect(b"")  # occupies only its own connection
        connect(b"too short").close()
        connect(b"y" * 37).close()  # closed before the first state
        refused(error(114), framed(b"{junk"))
        refused(error(114), framed(b'{"len":0}'))
        refused(error(114), b"\xff\xff\xff\xff")
        refused(error(6), framed(b'{"len":1000,"parallel":129}'))
        refused(error(18), framed(b'{"len":1000,"sctp":true}'))
        # Streams that never arrive, the cookie of another test, and an unexpected state.
        with begin(b"a") as peer:
            peer.sendall(framed(b'{"len":1000,"time":1,"parallel":1}'))
            self.assertEqual(peer.recv(1), b"\x0a")
            self.assertEqual(connect(b"b" * 36 + b"\0").recv(1), b"\xff")
            stream = connect(b"a" * 36 + b"\0")
            self.assertEqual(peer.recv(1), b"\x01")
            self.assertEqual(peer.recv(1), b"\x02")
            peer.sendall(b"\x10")
            self.assertEqual(peer.recv(100), error(120))
            stream.close()
        with begin(b"c") as peer:
            peer.sendall(framed(b'{"len":1000,"time":1,"parallel":2}'))
            self.assertEqual(peer.recv(1), b"\x0a")
            began = time.monotonic()
            self.assertEqual(peer.recv(100), error(120))
            self.assertTrue(8 < time.monotonic() - began < 14)
        self.iperf3("-c", "127.0.0.1", "-p", str(self.port))
        silent.close()
        self.assertEqual(server.stop(), 0, server.text)
        self.assertRegex(
            server.text.splitlines()[-1],
            rf" iperf: \d+ tests, 8 failed, {1 + self.refusals} refused$",
        )

    def test_says_what_is_wrong(self):
        for words, line in (
            (
                ("--server", "--client=127.0.0.1"),
                "--server and --client exclude each other: give one",
            ),
            (
                ("--client=127.0.0.1", "--reverse", "--bidir"),
                "--reverse and --bidir exclude each other: give one",
            ),
            (("--client=127.0.0.1", "--parallel=129"), "--parallel takes a number from 1 to 128"),
            (
                ("--client=127.0.0.1", "--udp", "--length=8"),
                "--length of datagrams is from 16 to 65507",
            ),
        ):
            done = self.run_fata("run", *PROCESS, "--", *words, status=64)
            self.assertRegex(done.stderr, r"^\[ *0\.\d+\] error iperf: " + line + "\n$")
        done = self.run_fata("run", *PROCESS, "--", "--client=nothing.invalid", status=1)
        self.assertRegex(done.stderr, r"error iperf: nothing\.invalid port 5201: .*does not exist")
        done = self.run_fata("run", *PROCESS, "--", "--bitrate=fast", status=64)
        self.assertIn(
            "--bitrate takes a number of bits a second, with K, M, G or T if need be, not 'fast'",
            done.stdout + done.stderr,
        )
        done = self.client("--time=1s", port=free_port(), status=1)
        self.assertIn("connection refused", done.stderr.lower())


@unittest.skipUnless(INSIDE in os.environ, "needs root (network namespaces) and /dev/net/tun")
class OnATap(Iperf):
    taps = 0

    def tap(self):
        """Makes a new tap, the only one with the host's address. The previous user may not have
        released the old tap yet.
        """
        cls = type(self)
        old, cls.taps = f"fata{cls.taps}", cls.taps + 1
        new = f"fata{cls.taps}"
        subprocess.run(
            (
                f"ip link del {old} 2>/dev/null || ip addr flush dev {old} 2>/dev/null; ip tuntap"
                f" add {new} mode tap vnet_hdr && ip link set {new} up && ip addr add {HOST}/24 dev"
                f" {new}"
            ),
            shell=True,
            check=True,
        )
        return new

    def stock_server(self):
        self.runs("iperf3", "-s")

    def report_of(self, said):
        return json.loads(said[said.index("{") : said.rindex("}") + 1])

    def test_own_stack_serves_the_stock_client(self):
        self.run_fata("build", *DIRECT)
        server = self.served([*FATA, "run", *DIRECT, "--", f"--tap={self.tap()}"])
        self.measures(GUEST)
        self.ends_well(server)

    def named_host(self):
        """Parameters with which a client finds the host by a name, which a name server knows."""
        words = "--keep-in-foreground --no-resolv --no-hosts --user=root --pid-file= --port=5353"
        record = f"--host-record=host.test,{HOST}"
        self.runs("dnsmasq", "--conf-file=/dev/null", *words.split(), record)
        return ("--client=host.test", f"--dns-servers={HOST}:5353")

    def test_own_stack_measures_with_the_stock_server(self):
        self.stock_server()
        name = self.named_host()
        for way in ((), ("--reverse", "--parallel=4"), ("--udp", "--bitrate=20M")):
            words = (f"--tap={self.tap()}", *name, "--time=1s", "--json", *way)
            done = self.run_fata("run", *DIRECT, "--", *words)
            self.assertGreater(
                self.report_of(done.stdout)["end"]["sum_received"]["bytes"], 1_000_000, way
            )

    def test_kernel_serves_the_stock_client(self):
        self.run_fata("build", *KERNEL)
        server = self.served([*FATA, "run", *KERNEL, "--link", f"tap:{self.tap()}"])
        self.measures(GUEST)
        self.ends_well(server)

    def test_kernel_measures_with_the_stock_server(self):
        self.stock_server()
        name = self.named_host()
        for way in ((), ("--reverse",)):
            words = ("--link", f"tap:{self.tap()}", "--", *name, "--time=1s", "--json", *way)
            done = self.run_fata("run", *KERNEL, *words)
            self.assertGreater(
                self.report_of(done.stdout)["end"]["sum_received"]["bytes"], 1_000_000, way
            )

    def test_a_kernel_and_a_process_measure_each_other_in_a_vlan(self):
        self.run_fata("build", *KERNEL)
        self.run_fata("build", *DIRECT)
        subprocess.run(
            (
                "for tap in vlan0 vlan1; do ip tuntap add $tap mode tap vnet_hdr; ip link set $tap"
                " up; done; ip link add bridge type bridge; ip link set bridge up; ip link set"
                " vlan0 master bridge; ip link set vlan1 master bridge"
            ),
            shell=True,
            check=True,
        )
        self.addCleanup(
            subprocess.run, "ip link del vlan0; ip link del vlan1; ip link del bridge", shell=True
        )
        server = self.served(
            [*FATA, "run", *KERNEL, "--link", "tap:vlan0", "--", "--vlan=42", f"--ipv4={GUEST}/24"]
        )
        client = (
            "run",
            *DIRECT,
            "--",
            "--tap=vlan1",
            f"--ipv4={HOST}/24",
            f"--client={GUEST}",
            "--time=1s",
            "--json",
        )
        for way in (
            (),
            ("--reverse", "--parallel=4"),
            ("--udp", "--bitrate=20M"),
            ("--offload=false",),
            ("--offload=false", "--reverse"),
        ):
            done = self.run_fata(*client, "--vlan=42", *way)
            self.assertGreater(
                self.report_of(done.stdout)["end"]["sum_received"]["bytes"], 1_000_000, way
            )
        self.run_fata(*client, "--vlan=43", status=1)
        self.ends_well(server)

    def tells(self, server, ask):
        """The network report of a server with idle connections and one test. It has many more lines
        than one part of a report holds.
        """
        idle = [socket.create_connection((GUEST, 5201)) for _ in range(40)]
        for each in idle:
            self.addCleanup(each.close)
        test = subprocess.Popen(
            ["iperf3", "-J", "-R", "-t", "3", "-c", GUEST], text=True, stdout=subprocess.PIPE
        )
        time.sleep(1.5)
        ask()
        self.assertNotIn("error", json.loads(test.communicate()[0]))
        self.ends_well(server)
        text = server.text[server.text.index("--- network after ") :]
        for each in idle:
            address, port = each.getsockname()
            self.assertRegex(
                text,
                (
                    rf"(?m)^tcp {GUEST}:5201 {address}:{port} ESTABLISHED cwnd \d+ flight 0 .*"
                    r" bytes 0/0$"
                ),
            )
        self.assertRegex(
            text,
            rf"(?m)^tcp {GUEST}:5201 {HOST}:\d+ ESTABLISHED cwnd \d+ (ssthresh \d+ )?flight \d+"
            r" srtt [\d.]+[mu]?s rto "
            r"[\d.]+m?s mss 1448 windows \d+/\d+ retransmits \d+ queues \d+/\d+/\d+ bytes"
            r" \d{6,}/37$",  # received: the cookie that names the test
        )
        for line in (
            r"interface 0 52:54:\S+ mtu 1500",
            r"tcp connections 42 half-open 0 .* memory \d+ of \d+ borrowed \d+",
            r"tcp \[::\]:5201 LISTEN backlog 0 of \d+",
            rf"neighbour {HOST} [0-9a-f:]+( .*)?",
            r"route 10\.0\.2\.0/24 on 0",
            rf"route 0\.0\.0\.0/0 via {HOST} on 0",
            r"counters link: received \d+, sent \d+.*",
            r"counters device: received \d+, sent \d+.*",
            r"counters ipv4: .*delivered \d+",
            r"counters tcp: received \d+, sent \d+.*accepted 42.*",
        ):
            self.assertRegex(text, rf"(?m)^{line}$")

    def test_own_stack_tells_of_itself_when_it_gets_a_signal(self):
        self.run_fata("build", *DIRECT)
        server = self.served([*FATA, "run", *DIRECT, "--", f"--tap={self.tap()}"])
        self.tells(server, lambda: server.process.send_signal(signal.SIGUSR1))

    def test_kernel_tells_of_itself_when_it_is_typed(self):
        self.run_fata("build", *KERNEL)
        server = self.served(
            [*FATA, "run", *KERNEL, "--link", f"tap:{self.tap()}", "--console", "--", "--netstat"],
            stdin=subprocess.PIPE,
        )
        server.process.stdin.write(b"nn\nno\n")  # not commands
        server.process.stdin.flush()
        time.sleep(0.5)

        def ask():
            server.process.stdin.write(b"n\n")
            server.process.stdin.flush()

        self.tells(server, ask)
        self.assertEqual(server.text.count("--- network after "), 1)

    def test_kernel_tells_nothing_unless_it_may(self):
        self.run_fata("build", *KERNEL)
        server = self.served(
            [*FATA, "run", *KERNEL, "--link", f"tap:{self.tap()}", "--console"],
            stdin=subprocess.PIPE,
        )
        server.process.stdin.write(b"n\n")
        server.process.stdin.flush()
        time.sleep(1)
        self.ends_well(server)
        self.assertNotIn("--- network", server.text)


if __name__ == "__main__":
    if INSIDE not in os.environ and may_make_namespaces():
        enter()
    if INSIDE in os.environ:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    unittest.main()
