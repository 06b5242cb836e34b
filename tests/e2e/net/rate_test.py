"""Response rate limiting and DNS cookies of the name server, as a process and as a kernel. Counts
the answers to a flood from one prefix, and expects answers to another prefix and to a client with a
cookie meanwhile. Runs in the test's own network namespace."""
import contextlib
import re
import select
import socket
import subprocess
import threading
import time

from dns import KERNEL, PROCESS, NameServerTest, dig, header, query
import namespaces

RATE, PORT = 50, 1053
HERE, FLOODER, HONEST = "192.0.2.1", "198.51.100.7", "203.0.113.9"
TRUNCATED = 0x0200
WWW = ("www.example.org", "A")


def prepare(script, *addresses):
    own = "; ".join(f"ip addr replace {address}/32 dev lo" for address in addresses)
    subprocess.run(f"{script}; {own}", shell=True, check=True)


def flood(source, server, seconds=4.0, pause=0.001):
    """Whole answers, truncated answers and queries sent, at up to 1,000 queries per second."""
    whole = truncated = sent = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind((source, 0))
        client.connect((server, PORT))
        end = time.monotonic() + seconds
        # Continues for half a second, to receive answers in flight.
        while (left := end - time.monotonic()) > -0.5:
            if left > 0:
                client.send(query(sent & 0xFFFF))
                sent += 1
            while select.select([client], [], [], pause)[0]:
                message = client.recv(4096)
                if int.from_bytes(message[2:4]) & TRUNCATED:
                    truncated += 1
                    assert header(message)[2] == 0 and len(message) == len(query(0))
                else:
                    whole += 1
    return whole, truncated, sent


@contextlib.contextmanager
def flooding(source, server):
    """Keeps a flood of queries running, because the prefix regains credit while dig starts."""
    over = threading.Event()

    def send():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.bind((source, 0))
            client.connect((server, PORT))
            while not over.wait(0.005):
                for number in range(5):
                    client.send(query(number))

    thread = threading.Thread(target=send)
    thread.start()
    time.sleep(1)
    try:
        yield
    finally:
        over.set()
        thread.join()


def dig_from(source, server, *words):
    """All output of dig, with a cookie unless the words disable it."""
    line = ["dig", "-b", source, f"@{server}", "-p", str(PORT), "+time=1", "+tries=5", "+ignore"]
    line += words
    return subprocess.run(line, text=True, capture_output=True, timeout=60).stdout


class Rate(NameServerTest):
    def check_flood(self, server):
        # The initial credit plus the rate allow the answers of one second more than the flood
        # lasts.
        begin = time.monotonic()
        whole, truncated, sent = flood(FLOODER, server)
        seconds = time.monotonic() - begin
        self.assertGreater(sent, 4 * RATE * 2, "so slow a flood shows nothing")
        self.assertLessEqual(whole, RATE * (seconds + 1))
        self.assertGreater(whole, RATE * 2)
        self.assertAlmostEqual(truncated, (sent - whole) / 2, delta=2 + sent / 50)
        # The prefix has no credit left; another prefix has.
        self.assertLessEqual(flood(FLOODER, server, 0.2)[0], RATE)
        self.assertIn("192.0.2.80", dig_from(HONEST, server, "+nocookie", "+short", *WWW))

    def check_cookies(self, server):
        first = dig_from(HONEST, server, "+cookie=0123456789abcdef", *WWW)
        self.assertIn("status: NOERROR", first)
        cookie = re.search(r"; COOKIE: (0123456789abcdef01000000[0-9a-f]{24}) \(good\)", first)
        self.assertTrue(cookie, first)
        again = dig_from(HONEST, server, f"+cookie={cookie[1]}", *WWW)
        self.assertIn(f"; COOKIE: {cookie[1]} (good)", again)
        # dig sends its own client cookie, and retries with the server's cookie when it receives
        # BADCOOKIE.
        drained = flood(HONEST, server, 0.5)
        self.assertGreater(drained[1], 0)
        for _ in range(20):
            answer = dig_from(HONEST, server, f"+cookie={cookie[1]}", "+tries=1", *WWW)
            self.assertIn("status: NOERROR", answer)
            self.assertIn("192.0.2.80", answer)
        malformed = dig_from(HONEST, server, "+ednsopt=10:0123", "+nocookie", *WWW)
        self.assertIn("status: FORMERR", malformed)

    def check_badcookie(self, server):
        """A client of the limited prefix receives a good cookie, and is answered with it."""
        with flooding(FLOODER, server):
            for _ in range(20):
                text = dig_from(FLOODER, server, "+nobadcookie", "+tries=2", *WWW)
                if "status: BADCOOKIE" in text:
                    break
            self.assertIn("status: BADCOOKIE", text)
            cookie = re.search(r"; COOKIE: ([0-9a-f]{48}) \(good\)", text)[1]
            answer = dig_from(FLOODER, server, f"+cookie={cookie}", *WWW)
        self.assertIn("status: NOERROR", answer)
        self.assertIn("192.0.2.80", answer)

    def check_all(self, server, address):
        self.check_flood(address)
        self.check_cookies(address)
        self.check_badcookie(address)
        over_tcp = dig(address, PORT, "+tcp", "-b", FLOODER, "+short", *WWW)
        self.assertIn("192.0.2.80", over_tcp)
        counts = self.ends_well(server)
        self.assertGreater(counts["limited"], 4 * RATE)
        self.assertAlmostEqual(counts["slipped"], counts["limited"] / 2, delta=20)
        self.assertGreaterEqual(counts["badcookie"], 1)

    def test_a_process(self):
        self.run_fata("build", *PROCESS)
        prepare("ip link set lo up", HERE, FLOODER, HONEST)
        self.check_all(self.served(self.run_line(PROCESS, "--", f"--rrl={RATE}")), HERE)

    def test_a_process_with_exempt_prefixes(self):
        self.run_fata("build", *PROCESS)
        prepare("ip link set lo up", HERE, FLOODER, HONEST)
        exempt = "--rrl-exempt=198.51.100.0/24,2001:db8::/32"
        server = self.served(self.run_line(PROCESS, "--", f"--rrl={RATE}", exempt))
        whole, truncated, sent = flood(FLOODER, HERE, 1)
        self.assertEqual((whole, truncated), (sent, 0))
        self.assertGreater(flood(HONEST, HERE, 1)[1], 0)
        self.ends_well(server)

    def test_a_kernel(self):
        self.run_fata("build", *KERNEL)
        prepare(
            (
                "ip link set lo up; ip tuntap add fata0 mode tap vnet_hdr; ip link set fata0 up; "
                "ip addr add 10.0.2.2/24 dev fata0"
            ),
            FLOODER,
            HONEST,
        )
        words = ("--accel", "tcg", "--memory", "8", "--link", "tap:fata0", "--", f"--rrl={RATE}")
        server = self.served(self.run_line(KERNEL, *words))
        self.check_all(server, "10.0.2.15")


if __name__ == "__main__":
    namespaces.main()
