"""Fata's own stack on a tap with very many connections from Linux: 1,000,000 one after the other,
and 10,000 at once with data on each. Its memory is measured from outside. Prints the measured
figures.
"""
import os
import re
import resource
import subprocess
import time
import unittest

from dns import Served
from fata import BUILD, FataTest
import namespaces

ECHO = ("examples/devices/tcp-echo", "--net", "direct", "--build-dir", BUILD / "tcp-echo-direct")
REQUESTS = os.environ.get("FATA_TEST_REQUESTS", "build/dev/tests/tools/load/tcp_requests")
HOST, FATA4, PORT = "10.0.2.2", "10.0.2.15", 7007


class ManyConnections(FataTest):
    @classmethod
    def setUpClass(cls):
        cls.image = cls().run_fata("build", *ECHO).stdout.splitlines()[0]
        # Linux closes first and needs its ports back at once.
        subprocess.run(
            (
                "ip link set lo up; ip tuntap add fata0 mode tap vnet_hdr; ip link set fata0 up;"
                f" ip addr add {HOST}/16 dev fata0; sysctl -qw net.ipv4.ip_local_port_range='1024"
                " 65535' net.ipv4.tcp_tw_reuse=1 net.ipv4.tcp_max_tw_buckets=4096"
            ),
            shell=True,
            check=True,
        )

    def serve(self):
        for attempt in range(100):
            try:
                server = Served(
                    [
                        "taskset",
                        "-c",
                        "0",
                        self.image,
                        "--tap=fata0",
                        f"--ipv4={FATA4}/16",
                        "--ipv6=none",
                        "--connections=20000",
                    ],
                    ready=" on port ",
                )
                break
            except AssertionError as error:
                if "in use by another process" not in str(error) or attempt == 99:
                    raise
                time.sleep(0.1)
        self.addCleanup(server.__exit__)
        return server

    def rss(self, server):
        with open(f"/proc/{server.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1]) << 10

    def requests(self, *words):
        return subprocess.Popen(
            ["taskset", "-c", "1", REQUESTS, *map(str, words)], text=True, stdout=subprocess.PIPE
        )

    def test_a_million_in_a_row_leave_nothing_behind(self):
        server = self.serve()
        done, began, sizes = 0, time.monotonic(), []
        while done < 1_000_000:
            self.assertLess(time.monotonic() - began, 400, f"{done} connections")
            with self.requests("connect", FATA4, PORT, 5, 64) as client:
                said = client.stdout.read()
            done += 5 * int(re.search(r"\d+", said)[0])  # the client prints a rate per second
            sizes.append((done, self.rss(server)))
        print(
            f"{done} connections in {time.monotonic() - began:.0f} s; memory "
            + ", ".join(
                f"{size >> 10} KiB after {count}"
                for count, size in sizes[:: max(1, len(sizes) // 5)]
            ),
            flush=True,
        )
        warm = next(size for count, size in sizes if count > done / 4)
        self.assertLessEqual(sizes[-1][1], warm + (256 << 10))
        self.assertEqual(server.stop(), 0, server.text)
        self.assertIn(" 0 broken", server.text)

    def test_ten_thousand_at_once_fit_in_64_mebibytes(self):
        server = self.serve()
        before = self.rss(server)
        with self.requests("ask", FATA4, PORT, 8, 10_000) as client:
            most = 0
            while client.poll() is None:
                most = max(most, self.rss(server))
                time.sleep(0.1)
            said = client.stdout.read()
        self.assertEqual(client.returncode, 0)
        answers = 8 * int(re.search(r"\d+", said)[0])
        print(
            (
                f"10000 connections at once: {answers} answers in 8 s, memory from"
                f" {before >> 10} to {most >> 10} KiB"
            ),
            flush=True,
        )
        self.assertGreater(answers, 10_000)
        self.assertLess(most, 64 << 20)
        self.assertEqual(server.stop(), 0, server.text)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (20_000, 20_000))
    namespaces.main()
