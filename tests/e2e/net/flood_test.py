"""Fata's own stack on a tap under floods of hostile frames. A good client keeps getting answers, on
an existing connection and on new ones, and memory stays within its bound. The server has one core;
flood and client share the other. Prints the measured figures.
"""
import os
import re
import socket
import subprocess
import threading
import time
import unittest

from dns import Served
from fata import BUILD, FataTest
import namespaces

ECHO = ("examples/devices/tcp-echo", "--net", "direct", "--build-dir", BUILD / "tcp-echo-direct")
FLOOD = os.environ.get("FATA_TEST_FLOOD", "build/dev/tests/tools/flood/flood")
HOST, FATA4, HOST6, FATA6, PORT = "10.0.2.2", "10.0.2.15", "2001:db8:2::2", "2001:db8:2::15", 7007
SECONDS, RATE = 5, 500_000
MEMORY = 48 << 20  # the process: 16 MiB for TCP, the tap's buffers, the program


class Client(threading.Thread):
    """Asks on a kept connection and on new ones in turn, and records the time of each answer."""

    def __init__(self, address):
        super().__init__()
        self.address, self.going = address, True
        self.times = {"kept": [], "new": []}
        self.lost = {"kept": 0, "new": 0}

    def ask(self, peer):
        peer.sendall(b"x" * 64)
        got = b""
        while len(got) < 64:
            some = peer.recv(64)
            if not some:
                raise OSError("it ended")
            got += some

    def timed(self, how, act):
        began = time.monotonic()
        try:
            act()
            self.times[how].append(time.monotonic() - began)
        except OSError:
            self.lost[how] += 1

    def run(self):
        kept = socket.create_connection((self.address, PORT), timeout=10)
        while self.going:
            self.timed("kept", lambda: self.ask(kept))

            def new():
                with socket.create_connection((self.address, PORT), timeout=10) as peer:
                    self.ask(peer)

            self.timed("new", new)
            time.sleep(0.002)
        kept.close()

    def stop(self):
        self.going = False
        self.join()

    def text(self, seconds):
        return ", ".join(
            f"{how}: {len(times) / seconds:.0f}/s, worst {1000 * max(times, default=0):.0f} ms,"
            f" {self.lost[how]} lost"
            for how, times in self.times.items()
        )


class Floods(FataTest):
    @classmethod
    def setUpClass(cls):
        cls.image = cls().run_fata("build", *ECHO).stdout.splitlines()[0]
        subprocess.run(
            (
                "ip link set lo up; ip tuntap add fata0 mode tap vnet_hdr; ip link set fata0 up;"
                f" ip addr add {HOST}/24 dev fata0; ip addr add {HOST6}/64 dev fata0 nodad; ip link"
                " set fata0 txqueuelen 2000"
            ),
            shell=True,
            check=True,
        )

    def rss(self, server):
        with open(f"/proc/{server.process.pid}/status") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1]) << 10

    def test_a_good_client_is_answered_through_every_flood(self):
        server = Served(
            [
                "taskset",
                "-c",
                "0",
                self.image,
                "--tap=fata0",
                f"--ipv4={FATA4}/24",
                f"--ipv4-gateway={HOST}",
                f"--ipv6={FATA6}/64",
                f"--ipv6-gateway={HOST6}",
            ],
            ready=" on port ",
        )
        self.addCleanup(server.__exit__)
        time.sleep(2)
        mac = re.search(r"hardware address ([0-9a-f:]{17})", server.text)[1]
        kinds = [
            "none",
            "syn",
            "syn6",
            "fragments",
            "fragments6",
            "overlaps",
            "overlaps6",
            "out-of-order",
            "resets",
            "acks",
            "udp",
            "arp",
            "neighbours",
        ]
        faults = []
        for kind in kinds:
            client = Client(FATA6 if kind.endswith("6") or kind == "neighbours" else FATA4)
            client.start()
            time.sleep(0.5)
            if kind == "none":
                time.sleep(SECONDS)
                said = "none"
            else:
                said = subprocess.run(
                    [
                        "taskset",
                        "-c",
                        "1",
                        FLOOD,
                        "fata0",
                        kind,
                        f"--mac={mac}",
                        f"--from={HOST}",
                        f"--to={FATA4}",
                        f"--from6={HOST6}",
                        f"--to6={FATA6}",
                        f"--port={PORT}",
                        f"--seconds={SECONDS}",
                        f"--rate={RATE}",
                    ],
                    text=True,
                    capture_output=True,
                    timeout=60,
                )
                self.assertEqual(said.returncode, 0, said.stderr)
                said = said.stdout.strip()
            client.stop()
            memory = self.rss(server)
            print(
                f"{said}; {client.text(SECONDS)}; memory {memory / (1 << 20):.1f} MiB", flush=True
            )
            for how in client.times:
                if len(client.times[how]) < 20 or client.lost[how] > len(client.times[how]) / 20:
                    faults.append(
                        f"{kind}: {how}: {len(client.times[how])} answers, {client.lost[how]} lost"
                    )
            if memory > MEMORY:
                faults.append(f"{kind}: {memory} bytes")
        self.assertEqual(faults, [])
        self.assertEqual(server.stop(), 0, server.text)


if __name__ == "__main__":
    namespaces.main()
