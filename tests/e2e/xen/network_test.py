"""Fata's network interface on a real Xen: queries from the host, a backend that leaves and returns,
domains that are saved, restored and migrated with their connections, two domains that communicate.
"""
import json
import os
import re
import socket
import subprocess
import threading
import unittest

from domains import LITTLE, POWEROFF, XenTest
from fata import last_answer, long

SECOND = "10.0.2.16"


class Network(XenTest):
    forwards = ["udp:0:1053", "tcp:0:1053", "tcp:0:7"]

    def ask(self, *words, protocol="udp"):
        done = subprocess.run(
            [
                "dig",
                "@127.0.0.1",
                "-p",
                str(self.lab.port(protocol, 1053)),
                "+short",
                "+time=3",
                "+tries=4",
                *words,
            ],
            capture_output=True,
            text=True,
            timeout=60,
        )
        return last_answer(done.stdout).strip()

    def test_dns_answers_the_host_in_four_megabytes_and_after_its_backend_came_back(self):
        name = self.start("apps/dns", more="memory = 4\n")
        self.lab.wait_console(name, "serving on port 1053, UDP and TCP", 60)
        self.assertEqual(self.ask("www.example.org", "A"), "192.0.2.80")
        self.assertEqual(self.ask("www.example.org", "A", "+tcp", protocol="tcp"), "192.0.2.80")
        number = self.lab.domains()[name]
        backend, frontend = (
            f"/local/domain/0/backend/vif/{number}/0",
            f"/local/domain/{number}/device/vif/0",
        )
        hotplug = (
            f"ip link set vif{number}.0 master xenbr0; ip link set vif{number}.0 up; xenstore-write"
            f" {backend}/hotplug-status connected"
        )
        # dom0's driver is unbound and bound again, and continues with the existing rings.
        self.lab.run(
            f"cd /sys/bus/xen-backend/drivers/vif; echo vif-{number}-0 >unbind; echo vif-{number}-0"
            f" >bind; {hotplug}"
        )
        self.assertEqual(self.ask("www.example.org", "A"), "192.0.2.80")
        # The backend closes the connection, and a manager requests a new one.
        self.lab.run(f"xenstore-write {backend}/state 5")
        self.lab.wait_console(name, "the backend goes away", 30)
        self.lab.run(
            f"until [ $(xenstore-read {backend}/state) = 6 ]; do usleep 50000; done; xenstore-write"
            f" {frontend}/state 1"
        )
        self.lab.wait_console(name, "connected again", 60)
        self.lab.run(hotplug)
        self.assertEqual(self.ask("www.example.org", "A"), "192.0.2.80")
        self.shut_down(name)
        self.assertRegex(self.lab.console(name), r"served: queries (4|5|6|7|8), noerror \1")

    def echo(self, stream, count):
        sent = os.urandom(count)
        # Both ways at once: if the echo waits for its reader, a plain sendall() blocks forever.
        writer = threading.Thread(target=stream.sendall, args=(sent,))
        writer.start()
        heard = b""
        while len(heard) < count:
            some = stream.recv(65536)
            self.assertNotEqual(some, b"", "the connection was closed")
            heard += some
        writer.join()
        self.assertEqual(heard, sent)

    def test_a_connection_lives_through_save_restore_and_live_migration(self):
        name = self.start("examples/devices/tcp-echo", "--port=7 --log=*:debug", LITTLE)
        self.lab.wait_console(name, "echoing on port 7", 60)
        with socket.create_connection(("127.0.0.1", self.lab.port("tcp", 7)), timeout=90) as stream:
            self.echo(stream, 300_000)
            self.lab.save(name, "saved")
            self.lab.restore("saved")
            self.echo(stream, 300_000)
            arrived = self.lab.migrate(name)
            self.echo(stream, 300_000)
        for log in (name, arrived):
            self.lab.wait_console(log, "connected again", 20)
        text = self.lab.console(name) + self.lab.console(arrived)
        self.assertEqual(text.count("connected again"), 2, text)
        # The clock advanced by the time of the suspension, and never goes back.
        times = [float(at) for at in re.findall(r"^\[ *([0-9.]+)\]", text, re.M)]
        self.assertEqual(times, sorted(times))
        self.shut_down(name)

    def test_the_device_examples_use_the_nic(self):
        name = self.start("examples/devices/network")
        self.lab.wait_console(name, "hardware address", 60)
        # No host answers, but frames arrive. The time limit is for Busybox's ping, which sometimes
        # waits here indefinitely for its own alarm.
        self.lab.run("timeout 10 ping -c 3 -W 1 10.0.2.15", check=False)
        self.shut_down(name)
        self.assertRegex(self.lab.console(name), r"[1-9]\d* frames received, 0 sent back")
        address = self.lab.run(
            "ip -6 addr show dev xenbr0 | sed -n 's,.* \\(fec0[^/]*\\)/.*,\\1,p'"
        ).text.strip()
        for peer in ("10.0.2.100", address):
            pings = self.said("examples/devices/ping6", f"--to={peer} --count=3 --timeout=9s")
            self.assertIn("3 sent, 3 received", pings)
        name = self.start("examples/devices/stack", "--port=7070")
        self.lab.wait_console(name, "listening on port 7070", 60)
        self.lab.run("echo hello | nc 10.0.2.15 7070")
        self.lab.wait_console(name, "ended after 6 bytes", 30)
        self.shut_down(name)

    def test_two_domains_measure_the_bridge_between_them_with_large_segments(self):
        server = self.start("apps/iperf", "--server --one-off")
        self.lab.wait_console(server, "5201", 60)
        client = self.start(
            "apps/iperf", f"--client=10.0.2.15 --ipv4={SECOND}/24 --ipv6=none --time=3s --json"
        )
        self.assertEqual(self.end(client, 90), [POWEROFF, "0"], self.lab.console(client))
        report = self.lab.console(client)
        measured = json.loads(report[report.index("{") : report.rindex("}") + 1])
        self.assertGreater(measured["end"]["sum_received"]["bytes"], 1_000_000)
        self.assertEqual(self.end(server, 60)[0], POWEROFF, self.lab.console(server))
        self.assertIn("checksum gather tx-tso rx-tso", report)

    def measures(self, address):
        for way in ("", "-R"):
            measured = json.loads(
                self.lab.run(f"iperf3 -c {address} -t 1 -J {way}", timeout=90).text
            )
            rate = measured["end"]["sum_received"]["bits_per_second"] / 1e6
            print(f"iperf3 of dom0 with {address} {way}: {rate:.0f} Mb/s", flush=True)
            self.assertGreater(rate, 0)

    @long
    def test_dom0_s_iperf3_measures_both_directions(self):
        server = self.start("apps/iperf")
        self.lab.wait_console(server, "5201", 60)
        self.measures("10.0.2.15")
        self.shut_down(server)

    @long
    def test_a_vlan_of_linux_is_its_peer(self):
        self.lab.run(
            "ip link add link xenbr0 name vlan42 type vlan id 42; ip link set vlan42 up; ip addr"
            " add 10.42.0.2/24 dev vlan42"
        )
        server = self.start("apps/iperf", "--vlan=42 --ipv4=10.42.0.15/24 --ipv6=none")
        self.lab.wait_console(server, "5201", 60)
        self.lab.run("timeout 20 ping -c 2 -s 5000 -W 5 10.42.0.15")
        self.measures("10.42.0.15")
        self.shut_down(server)
        self.lab.run("ip link del vlan42")


if __name__ == "__main__":
    unittest.main()
