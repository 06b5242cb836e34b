"""A name server under test, and a client that keeps many queries outstanding."""
import os
import re
import select
import signal
import socket
import struct
import subprocess
import time
import unittest

from fata import BUILD, FATA, ROOT, FataTest, last_answer

KERNEL = ("apps/dns", "-t", "kvm", "--build-dir", BUILD / "dns-kvm")
PROCESS = ("apps/dns", "--build-dir", BUILD / "dns-linux")
FOLDER = ("apps/dns", "-D", "zones=folder", "--build-dir", BUILD / "dns-folder")
BOOT = ("apps/dns", "-D", "zones=boot", "--build-dir", BUILD / "dns-boot-linux")
KERNEL_BOOT = ("apps/dns", "-D", "zones=boot", "-t", "kvm", "--build-dir", BUILD / "dns-boot-kvm")
DIRECT = ("apps/dns", "--net", "direct", "--build-dir", BUILD / "dns-direct")
A, MX, TXT = 1, 15, 16


def query(number, name="www.example.org", kind=A):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    return struct.pack("!6H", number, 0, 1, 0, 0, 0) + labels + struct.pack("!2H", kind, 1)


def header(message):
    """Number, response code, and number of records in the answer section."""
    number, flags, _, answers = struct.unpack_from("!4H", message)
    return number, flags & 15, answers


def dig(server, port, *words):
    """dig's output for its last question."""
    line = ["dig", f"@{server}", "-p", str(port), "+time=3", "+tries=3", "+nocookie", *words]
    return last_answer(subprocess.run(line, text=True, capture_output=True, timeout=30).stdout)


def ask_many(server, port, total, outstanding=20, seconds=20):
    """The number of right answers to `total` queries, with at most `outstanding` unanswered. No
    query is sent twice.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect((server, port))
        waiting, sent, answered, end = set(), 0, 0, time.monotonic() + seconds
        while answered < total:
            while sent < total and len(waiting) < outstanding:
                client.send(query(sent))
                waiting.add(sent)
                sent += 1
            if not select.select([client], [], [], max(0, end - time.monotonic()))[0]:
                break
            number, code, answers = header(client.recv(4096))
            if (code, answers) == (0, 1) and number in waiting:
                waiting.remove(number)
                answered += 1
        return answered


def free_port():
    """A port that is free for UDP and TCP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, socket.socket(
            socket.AF_INET, socket.SOCK_DGRAM
        ) as udp:
            tcp.bind(("127.0.0.1", 0))
            try:
                udp.bind(tcp.getsockname())
            except OSError:
                continue
            return tcp.getsockname()[1]


class Served:
    """A server that runs until stop(). `line` is its command line; its log goes to either stream
    and contains `ready` when it serves.
    """

    def __init__(self, line, seconds=60, stdin=subprocess.DEVNULL, ready="serving on port"):
        self.process = subprocess.Popen(
            [str(word) for word in line],
            cwd=ROOT,
            text=False,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.text = ""
        end = time.monotonic() + seconds
        while ready not in self.text:
            readable = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))[
                0
            ]
            some = os.read(self.process.stdout.fileno(), 4096) if readable else b""
            if not some:
                self.kill()
                raise AssertionError(f"it does not serve: {self.text}")
            self.text += some.decode().replace("\r", "")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.returncode is None:
            self.kill()

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def stop(self, how=signal.SIGINT):
        """Stops the server and returns its status. `text` then holds all its output."""
        self.process.send_signal(how)
        rest, _ = self.process.communicate(timeout=30)
        self.text += rest.decode().replace("\r", "")
        return self.process.returncode


class NameServerTest(FataTest):
    def served(self, line, **options):
        server = Served(line, **options)
        self.addCleanup(server.__exit__)
        return server

    def run_line(self, of, *words):
        return [*FATA, "run", *of, *words]

    def ends_well(self, server, how=signal.SIGINT):
        """Expects a clean stop, with status 0 and the statistics as the last line. Returns the
        statistics as numbers by name.
        """
        self.assertEqual(server.stop(how), 0, server.text)
        last = server.text.splitlines()[-1]
        self.assertRegex(last, r"^\[ *[0-9.]+\] info dns: served: ", server.text)
        return {
            name: int(count)
            for name, count in re.findall(r"([a-z_]+) (\d+)", last.split("served:")[1])
        }

    def answers_dig(self, server, port, *words):
        self.assertEqual(
            dig(server, port, *words, "+short", "www.example.org", "A"), "192.0.2.80\n"
        )
        mail = dig(server, port, *words, "example.org", "MX")
        self.assertRegex(mail, r"example\.org\.\s+3600\s+IN\s+MX\s+10 mail\.example\.org\.")
        self.assertRegex(mail, r"mail\.example\.org\.\s+3600\s+IN\s+A\s+192\.0\.2\.25")
        none = dig(server, port, *words, "nobody.example.org", "A")
        self.assertIn("status: NXDOMAIN", none)
        self.assertRegex(none, r"example\.org\.\s+600\s+IN\s+SOA\s+ns1\.example\.org\.")
        self.assertRegex(
            dig(server, port, *words, "+edns=0", "+bufsize=4096", "+dnssec", "example.org", "TXT"),
            r"EDNS: version: 0, flags: do; udp: \d+",
        )
        self.assertIn(
            "status: BADVERS",
            dig(server, port, *words, "+edns=1", "+noednsnegotiation", "example.org", "TXT"),
        )
        self.assertIn("status: REFUSED", dig(server, port, *words, "example.com", "A"))
