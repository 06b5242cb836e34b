"""The name server as a kernel on each of QEMU's machines, behind user networking, which needs no
privileges.
"""
import socket
import unittest

from dns import KERNEL, NameServerTest, ask_many, free_port
from frames import frames_of, wrong_sums

SMALLEST = 4  # MiB that are enough to serve; other tests use 8


class User(NameServerTest):
    @classmethod
    def setUpClass(cls):
        cls().run_fata("build", *KERNEL)

    def serve(self, *words):
        self.port = free_port()
        return self.served(
            self.run_line(
                KERNEL, "--accel", "tcg", "--link", "user", *words, "--", f"--port={self.port}"
            )
        )

    def check_machine(self, machine):
        capture = self.folder / "user.pcap"
        server = self.serve("--machine", machine, "--memory", "8", "--pcap", capture)
        self.assertRegex(server.text, r"virtio-net: features: .*mergeable-buffers event-index")
        self.answers_dig("127.0.0.1", self.port)
        # The guest sees the forwarder's address for all clients; `fata run` exempts it.
        self.assertEqual(ask_many("127.0.0.1", self.port, 1000), 1000)
        counts = self.ends_well(server)
        self.assertGreaterEqual(counts["queries"], 1006)
        self.assertNotIn("limited", counts)
        # User networking offers no checksum offload, so the image computed these checksums.
        frames = [
            frame
            for frame in frames_of(capture.read_bytes())
            if frame[26:30] == socket.inet_aton("10.0.2.15")
        ]
        self.assertGreaterEqual(len(frames), 1006)
        self.assertEqual(
            [frame for frame in frames if frame[12:14] == b"\x08\x00" and wrong_sums(frame[14:])],
            [],
        )

    def test_on_microvm_over_mmio(self):
        self.check_machine("microvm")

    def test_on_pc_over_pci(self):
        self.check_machine("pc")

    def test_on_q35_over_pci(self):
        self.check_machine("q35")

    def test_it_serves_in_4_mib(self):
        server = self.serve("--memory", str(SMALLEST))
        self.answers_dig("127.0.0.1", self.port)
        self.assertEqual(ask_many("127.0.0.1", self.port, 200), 200)
        self.ends_well(server)


if __name__ == "__main__":
    unittest.main()
