"""The name server as a kernel that gets its address by DHCP: from dnsmasq on a tap, in the test's
own network namespace, and from QEMU's user networking. Also the message of an image without DHCP
about DHCP options.
"""
import re
import subprocess
import time
import unittest

from dns import KERNEL, NameServerTest, free_port
import namespaces

GUEST, HOST, PORT = "10.0.7.20", "10.0.7.1", 1053
WITH_DHCP = (
    "apps/dns",
    "-t",
    "kvm",
    "-D",
    "dhcp=true",
    "--build-dir",
    KERNEL[-1].parent / "dns-dhcp",
)

PROCESS = (
    "apps/dns",
    "--net",
    "direct",
    "-D",
    "dhcp=true",
    "-D",
    "ipv6=false",
    "--build-dir",
    KERNEL[-1].parent / "dns-dhcp-direct",
)


class Dhcp(NameServerTest):
    @classmethod
    def setUpClass(cls):
        cls().run_fata("build", *WITH_DHCP)
        subprocess.run(
            (
                "ip link set lo up; ip tuntap add fata0 mode tap vnet_hdr; ip link set fata0 up; "
                f"ip addr add {HOST}/24 dev fata0"
            ),
            shell=True,
            check=True,
        )

    def dnsmasq(self, lease, *options):
        """Starts a server for one address; returns the path of its log."""
        said = self.folder / "dnsmasq.log"
        with said.open("w") as log:
            server = subprocess.Popen(
                [
                    "dnsmasq",
                    "--keep-in-foreground",
                    "--conf-file=/dev/null",
                    "--port=0",
                    "--interface=fata0",
                    "--bind-interfaces",
                    "--log-dhcp",
                    "--log-facility=-",
                    "--user=root",
                    f"--dhcp-leasefile={self.folder / 'leases'}",
                    "--pid-file=",
                    "--no-ping",
                    f"--dhcp-range={GUEST},{GUEST},255.255.255.0,{lease}s",
                    "--dhcp-option=26,1400",
                    *options,
                ],
                stderr=log,
            )
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        return said

    def said_in_turn(self, said, *words, seconds=5):
        """Expects these words in this order, the last of them within `seconds`."""
        end = time.monotonic() + seconds
        while not re.search(".*".join(words), text := said.read_text(), re.DOTALL):
            self.assertLess(time.monotonic(), end, text)
            time.sleep(0.05)

    def test_dnsmasq_gives_an_address_and_has_it_back(self):
        said = self.dnsmasq(120)
        image = self.served(
            self.run_line(
                WITH_DHCP,
                "--accel",
                "tcg",
                "--machine",
                "microvm",
                "--memory",
                "8",
                "--link",
                "tap:fata0",
            )
        )
        self.assertIn(f"info net: address {GUEST}/24 from {HOST}, lease 120 s\n", image.text)
        self.answers_dig(GUEST, PORT)
        self.ends_well(image)
        self.said_in_turn(
            said,
            "DHCPDISCOVER",
            "DHCPOFFER",
            "DHCPREQUEST",
            "DHCPACK",
            f"DHCPRELEASE.fata0. {GUEST} ",
        )

    def test_a_process_renews_its_lease_and_gives_it_back(self):
        process = self.run_fata("build", *PROCESS).stdout.splitlines()[0]
        names = subprocess.run(
            ["llvm-nm-19", "-C", process], text=True, capture_output=True, check=True
        ).stdout
        self.assertIn("fata::dhcp::Client", names)
        self.assertNotIn("fata::ip::ipv6", names)
        said = self.dnsmasq(120, "--dhcp-option-force=option:T1,3")
        image = self.served([process, "--tap=fata0", "--hostname=printer", "--dhcp-probe=false"])
        self.assertIn(f"info net: address {GUEST}/24 from {HOST}, lease 120 s\n", image.text)
        self.said_in_turn(
            said, "client provides name: printer", "DHCPACK", "DHCPREQUEST", "DHCPACK", seconds=10
        )
        self.answers_dig(GUEST, PORT)
        self.ends_well(image)
        self.said_in_turn(said, f"DHCPRELEASE.fata0. {GUEST} ")

    def test_user_networking_gives_an_address(self):
        port = free_port()
        image = self.served(
            self.run_line(WITH_DHCP, "--accel", "tcg", "--link", "user", "--", f"--port={port}")
        )
        self.assertIn("info net: address 10.0.2.15/24 from 10.0.2.2, lease 86400 s\n", image.text)
        self.answers_dig("127.0.0.1", port)
        self.ends_well(image)


if __name__ == "__main__":
    namespaces.main("dnsmasq")
