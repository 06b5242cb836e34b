"""Fata's own stack on a tap, in the test's own network namespace: the stack answers, and --pcap
records the packets.
"""
import struct
import subprocess
import unittest

from fata import BUILD, FataTest, last_answer
from namespaces import may_make_namespaces
from refusing import refusing

# The image creates the tap. The namespace and everything in it vanish with the script.
SCRIPT = """
ip link set lo up
capture=$1
shift
"$@" --tap=fata0 --ipv4=10.77.0.2/24 --ipv4-gateway=10.77.0.1 --pcap="$capture" &
for i in $(seq 50); do ip addr add 10.77.0.1/24 dev fata0 2>/dev/null && break; sleep 0.1; done
ip link set fata0 up
dig +short +time=2 +tries=5 @10.77.0.2 -p 1053 www.example.org A
kill -TERM $!
wait $!
"""


class Direct(FataTest):
    @unittest.skipUnless(
        may_make_namespaces(), "needs the right to make network namespaces, and /dev/net/tun"
    )
    def test_a_name_server_on_a_tap(self):
        lines = self.run_fata(
            "build", "apps/dns", "--net", "direct", "--build-dir", BUILD / "dns-direct"
        ).stdout
        image = lines.splitlines()[0]
        for line in (
            [image],
            [image, "--no-offload"],
            [*refusing("io_uring_setup"), image],
            [*refusing("io_uring_setup"), image, "--no-offload"],
        ):
            with self.subTest(line):
                self.answers(line)

    def answers(self, line):
        capture = self.folder / "dns.pcapng"
        done = subprocess.run(
            ["unshare", "-n", "bash", "-c", SCRIPT, "-", capture, *line],
            text=True,
            capture_output=True,
            timeout=300,
        )
        self.assertEqual(
            (last_answer(done.stdout), done.returncode), ("192.0.2.80\n", 0), done.stderr
        )
        refused = (
            "io_uring is not permitted (kernel.io_uring_disabled, a container's profile): frames"
            " are read and written"
        )
        self.assertEqual(done.stderr.count(refused), "io_uring_setup" in line)
        self.assertNotIn("sandbox", done.stderr)
        frames = self.frames(capture.read_bytes())
        ports = [
            struct.unpack("!HH", frame[34:38])
            for frame in frames
            if frame[12:14] == b"\x08\x00" and frame[23] == 17
        ]
        self.assertIn(1053, [to for _, to in ports], "the question")
        self.assertIn(1053, [by for by, _ in ports], "the answer")

    def names_in(self, key, folder):
        """The symbols of a name server with its own stack that is built with the key."""
        words = ["apps/dns", "--net", "direct", "-D", key, "--build-dir", BUILD / folder]
        image = self.run_fata("build", *words).stdout.splitlines()[0]
        return subprocess.run(
            ["llvm-nm-19", "-C", image], text=True, capture_output=True, check=True
        ).stdout

    def test_an_image_without_ipv6_holds_none_of_it(self):
        names = self.names_in("ipv6=false", "dns-ipv4")
        self.assertIn("fata::ip::ipv4::Engine", names)
        self.assertNotIn("fata::ip::ipv6", names)
        self.assertNotIn("fata::dhcp", names)

    def test_an_image_without_ipv4_holds_none_of_it(self):
        names = self.names_in("ipv4=false", "dns-ipv6")
        self.assertIn("fata::ip::ipv6::Engine", names)
        self.assertNotIn("fata::ip::ipv4::Engine", names)
        self.assertNotIn("fata::ip::arp", names)
        self.assertNotIn("fata::dhcp", names)

    def frames(self, text):
        """The packets of a pcapng file."""
        found, at = [], 0
        while at < len(text):
            kind, size = struct.unpack_from("<II", text, at)
            if kind == 6:
                length = struct.unpack_from("<I", text, at + 20)[0]
                found.append(text[at + 28 : at + 28 + length])
            at += size
        return found


if __name__ == "__main__":
    unittest.main()
