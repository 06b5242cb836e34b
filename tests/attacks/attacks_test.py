"""Attacks on stock kernel images with the default memory. Honest clients must be served meanwhile,
the image must neither end nor panic, and it must stop cleanly on request. FATA_ATTACK_SECONDS sets
the duration of each attack; FATA_ATTACKS selects attacks. Prints the measured figures.
"""

import json
import os
import signal
import socket
import struct
import subprocess
import time
import unittest

import attacks
import honest
import namespaces
from attacker import Attacker
from dns import Served
from fata import BUILD, FATA, FataTest
from frames import udp

HOST, VICTIM = "10.66.0.1", "10.66.0.2"
ADDRESSES = [f"10.66.7.{last}" for last in range(100, 116)]
SECONDS = float(os.environ.get("FATA_ATTACK_SECONDS", "5"))
SHARE = 0.9  # of an honest client's questions must be answered
IMAGES = {
    "dns": ("apps/dns", 53, "serving on port", attacks.OF_DNS, (honest.DnsUdp, honest.DnsTcp)),
    "iperf": ("apps/iperf", 5201, "serving on port", (), ()),
    "tcp-echo": ("examples/devices/tcp-echo", 7, "echoing on port", attacks.OF_ECHO,
                 (honest.Echo, honest.KeptEcho)),
}  # fmt: skip
CHOSEN = set(os.environ.get("FATA_ATTACKS", "").split())


class Attacks(FataTest):
    @classmethod
    def setUpClass(cls):
        subprocess.run(
            (
                "ip link set lo up; sysctl -qw net.ipv6.conf.default.disable_ipv6=1; ip tuntap add"
                " fata0 mode tap vnet_hdr; ip link set fata0 txqueuelen 5000 up; ip addr add"
                f" {HOST}/16 dev fata0"
            ),
            shell=True,
            check=True,
        )

    def boot(self, image):
        application, port, ready, *_ = IMAGES[image]
        words = (application, "-t", "kvm", "--build-dir", BUILD / f"{image}-kvm")
        self.run_fata("build", *words)
        line = [
            *FATA,
            "run",
            *words,
            "--accel",
            "tcg",
            "--link",
            "tap:fata0",
            "--",
            f"--ipv4={VICTIM}/16",
            f"--port={port}",
        ]
        server = Served(line, ready=ready)
        self.addCleanup(server.__exit__)
        return server

    def attacked(self, image, attack, attacker, timeout):
        """Attacks an image for SECONDS; returns its honest clients."""
        _, port, _, _, kinds = IMAGES[image]
        clients = [kind((VICTIM, port), kind.__name__, timeout) for kind in kinds]
        attacker.sent = 0
        try:
            for client in clients:
                client.start()
            attack(attacker, HOST, port, time.monotonic() + SECONDS)
        finally:
            for client in clients:
                client.stop()
            said = ", ".join(client.text() for client in clients)
            print(
                f"{image}, {attack.__name__}: {attacker.sent / SECONDS:.0f} packets/s; {said}",
                flush=True,
            )
            attacker.reset_all()
        return clients

    def check(self, image):
        """Runs all attacks on one image, one after the other, so that the leftovers of one attack
        are present during the next.
        """
        _, port, _, attacks_of_it, kinds = IMAGES[image]
        server = self.boot(image)
        timeout = max(kind((VICTIM, port), kind.__name__).calibrate() for kind in kinds)
        attacker = Attacker("fata0", VICTIM, ADDRESSES)
        self.addCleanup(attacker.close)
        for attack in attacks_of_it:
            if CHOSEN and attack.__name__ not in CHOSEN:
                continue
            with self.subTest(attack.__name__):
                # A busy machine may cost the guest a second, so an attack gets three tries. A real
                # lockout of clients occurs in all three.
                for _ in range(3):
                    clients = self.attacked(image, attack, attacker, timeout)
                    self.assertIsNone(server.process.poll(), "the image has ended")
                    if min(client.share for client in clients) >= SHARE:
                        break
                else:
                    self.fail(", ".join(client.text() for client in clients))
        self.assertEqual(server.stop(signal.SIGINT), 0, server.text)

    def test_the_name_server(self):
        self.check("dns")

    def test_an_echo_over_tcp(self):
        self.check("tcp-echo")

    def test_a_measurement_is_no_reflector(self):
        """A client that controls an iperf test over TCP selects the server's UDP destination with a
        datagram. The server must accept only the client's own address.
        """
        if CHOSEN and "reflection" not in CHOSEN:
            return
        server = self.boot("iperf")
        attacker = Attacker("fata0", VICTIM, ADDRESSES)
        self.addCleanup(attacker.close)
        with socket.create_connection((VICTIM, 5201), timeout=20) as control:
            control.sendall(b"attacks".ljust(36, b"x") + b"\0")
            self.assertEqual(control.recv(1), b"\x09", "it asks for parameters")
            wanted = json.dumps(
                {
                    "udp": True,
                    "reverse": True,
                    "parallel": 1,
                    "time": 60,
                    "len": 1000,
                    "bandwidth": 10**7,
                }
            )
            control.sendall(struct.pack("!I", len(wanted)) + wanted.encode())
            self.assertEqual(control.recv(1), b"\x0a", "it waits for streams")
            attacker.clear_others()
            hello = struct.pack("<I", 0x36373839)
            for address in ADDRESSES:
                for _ in range(5):
                    attacker.send(udp(address, VICTIM, 5201, 5201, hello))
            time.sleep(1)
            self.assertEqual(
                attacker.datagrams(5201), [], "it answers addresses that are not those of the test"
            )
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stream:
                stream.settimeout(20)
                stream.connect((VICTIM, 5201))
                stream.send(hello)
                self.assertEqual(len(stream.recv(2000)), 4, "whose test it is is welcome")
                self.assertEqual(control.recv(2), b"\x01\x02", "the test runs")
                self.assertEqual(len(stream.recv(2000)), 1000)
                for address in ADDRESSES:
                    attacker.send(udp(address, VICTIM, 5201, 5201, hello))
                time.sleep(1)
                self.assertEqual(attacker.datagrams(5201), [], "nor while it runs")
        self.assertEqual(server.stop(signal.SIGINT), 0, server.text)


if __name__ == "__main__":
    namespaces.main()
