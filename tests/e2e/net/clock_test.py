"""Images that take the time from chrony: as a process on the host's sockets, as a process on a tap
with a server from DHCP, and as a kernel on QEMU's user networking. Also false servers. All of it in
the test's own network namespace; chrony does not touch the machine's clock.
"""
import datetime
import re
import shutil
import socket
import struct
import subprocess
import threading
import time
import unittest

from fata import BUILD, FATA, FataTest
import namespaces

CLOCK = "examples/devices/network-clock"
HOST_NET = (CLOCK, "--net", "host", "--build-dir", BUILD / "network-clock-host")
DIRECT = (CLOCK, "--net", "direct", "-D", "dhcp=true", "--build-dir", BUILD / "network-clock-dhcp")
KERNEL = (CLOCK, "-t", "kvm", "--build-dir", BUILD / "network-clock-kvm")
HOST, GUEST, FALSE = "10.0.8.1", "10.0.8.20", "127.0.0.66"


def timestamp(seconds):
    return int((seconds + 2208988800) * 2**32)


def chronyd():
    """The program. It is not installed for the test, because its package replaces the machine's own
    time service: the package is unpacked only.
    """
    if found := shutil.which("chronyd", path="/usr/sbin:/usr/bin"):
        return found
    folder = BUILD / "chrony"
    program = folder / "usr/sbin/chronyd"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "-qq", "download", "chrony"], cwd=folder, check=True)
        package = next(folder.glob("chrony_*.deb"))
        subprocess.run(["dpkg-deb", "--extract", package, folder], check=True)
    return program


class FalseServer:
    """A synchronized server at FALSE whose clock is wrong by `wrong` seconds."""

    def __init__(self, wrong):
        self.wrong, self.served = wrong, 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((FALSE, 123))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            request, client = self.socket.recvfrom(1500)
            if not request:
                return
            now = timestamp(time.time() + self.wrong)
            reply = struct.pack("!BBbbIII", 0x24, 2, 6, -20, 0, 0, 0x0A000001)
            reply += struct.pack("!Q", now - (16 << 32)) + request[40:48]
            self.socket.sendto(reply + struct.pack("!QQ", now, now), client)
            self.served += 1

    def stop(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", (FALSE, 123))
        self.thread.join()
        self.socket.close()


class Clock(FataTest):
    @classmethod
    def setUpClass(cls):
        subprocess.run(
            (
                "ip link set lo up; ip tuntap add fata0 mode tap vnet_hdr; ip link set fata0 up; "
                f"ip addr add {HOST}/24 dev fata0"
            ),
            shell=True,
            check=True,
        )

    def setUp(self):
        super().setUp()
        settings = self.folder / "chrony.conf"
        settings.write_text(f"local stratum 3\nallow\ncmdport 0\npidfile {self.folder}/pid\n")
        with (self.folder / "chrony.log").open("w") as log:
            chrony = subprocess.Popen(
                [chronyd(), "-x", "-d", "-u", "root", "-f", str(settings)],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.addCleanup(chrony.wait)
        self.addCleanup(chrony.terminate)

    def false_server(self, wrong):
        server = FalseServer(wrong)
        self.addCleanup(server.stop)
        return server

    def run_clock(self, of, *words, before=()):
        line = [*FATA, "run", *map(str, of), *before, "--", *words]
        return subprocess.run(
            line, text=True, capture_output=True, timeout=300, stdin=subprocess.DEVNULL
        )

    def shown(self, ran):
        """The difference between the printed time and the machine's, and the printed error."""
        found = re.search(r"it is ([0-9T:.-]+)Z, within ([0-9.]+)(us|ms|s)\r?\n", ran.stdout)
        self.assertIsNotNone(found, ran.stdout + ran.stderr)
        read = datetime.datetime.fromisoformat(found[1] + "+00:00").timestamp()
        return read, float(found[2]) * {"us": 1e-6, "ms": 1e-3, "s": 1}[found[3]]

    def test_a_process_follows_chrony(self):
        self.run_fata("build", *HOST_NET)
        before = time.time()
        ran = self.run_clock(HOST_NET, "--ntp-servers=127.0.0.1", "--error=100ms")
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        self.assertIn("info sntp: the wall clock follows NTP, error at most ", ran.stderr)
        read, error = self.shown(ran)
        self.assertLessEqual(error, 0.1)
        self.assertLess(before - error, read + 0.001)
        self.assertLess(read - error, time.time())

    def test_a_process_follows_the_server_of_its_lease(self):
        with (self.folder / "dnsmasq.log").open("w") as log:
            server = subprocess.Popen(
                (
                    "dnsmasq --keep-in-foreground --conf-file=/dev/null --port=0 --interface=fata0 "
                    "--bind-interfaces --user=root --pid-file= --no-ping "
                    f"--dhcp-leasefile={self.folder}/leases "
                    f"--dhcp-range={GUEST},{GUEST},255.255.255.0,120s "
                    f"--dhcp-option=42,{HOST}"
                ).split(),
                stderr=log,
            )
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        process = self.run_fata("build", *DIRECT).stdout.splitlines()[0]
        ran = subprocess.run(
            [process, "--tap=fata0", "--dhcp-probe=false", "--error=100ms"],
            text=True,
            capture_output=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        self.shown(ran)

    def test_a_kernel_follows_chrony(self):
        self.run_fata("build", *KERNEL)
        ran = self.run_clock(
            KERNEL,
            "--ntp-servers=10.0.2.2",
            "--error=500ms",
            before=("--accel", "tcg", "--link", "user"),
        )
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        read, error = self.shown(ran)
        self.assertLessEqual(error, 0.5)
        self.assertLess(read - error, time.time())
        self.assertLess(time.time() - read, 30)

    def test_one_false_server_is_not_followed(self):
        false = self.false_server(3600)
        self.run_fata("build", *HOST_NET)
        ran = self.run_clock(HOST_NET, f"--ntp-servers={FALSE}", "--timeout=3s")
        self.assertEqual(ran.returncode, 1, ran.stdout + ran.stderr)
        self.assertIn("the NTP servers contradict each other or the host", ran.stderr)
        read, error = self.shown(ran)
        self.assertEqual(error, 1)
        self.assertLess(abs(time.time() - read), 10)
        self.assertEqual(false.served, 1)

    def test_two_servers_outvote_a_false_one(self):
        false = self.false_server(3600)
        self.run_fata("build", *HOST_NET)
        ran = self.run_clock(
            HOST_NET, f"--ntp-servers=127.0.0.1,{FALSE},127.0.0.2", "--error=100ms"
        )
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        read, _ = self.shown(ran)
        self.assertLess(abs(time.time() - read), 10)
        self.assertEqual(false.served, 1)


if __name__ == "__main__":
    # Outside of the namespace, in which nothing can be downloaded.
    try:
        chronyd()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"skipped: needs chronyd: {error}")
    else:
        namespaces.main("dnsmasq")
