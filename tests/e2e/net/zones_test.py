"""Zones from a user's view: their names, a faulty zone beside good ones, and both address
families.
"""
import re
import shutil
import socket
import unittest

from dns import BOOT, FOLDER, KERNEL, KERNEL_BOOT, PROCESS, NameServerTest, dig, free_port
from fata import QEMU

PLAIN = "$TTL 1h\n@ SOA ns1 hostmaster 1 1h 1h 1h 1h\n@ NS ns1\nns1 A 192.0.2.1\n"


def has_ipv6():
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as client:
        try:
            client.bind(("::1", 0))
        except OSError:
            return False
        return True


class Zones(NameServerTest):
    @classmethod
    def setUpClass(cls):
        for of in (FOLDER, PROCESS):
            cls().run_fata("build", *of)

    def write(self, path, text):
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def serve(self, zones, **files):
        for name, text in files.items():
            self.write(f"{name}.zone", text)
        self.port = free_port()
        words = [f"--port={self.port}", "--zones", self.folder, "--zone", zones]
        return self.served(self.run_line(FOLDER, "--", *words))

    def address(self, name):
        return dig("127.0.0.1", self.port, "+short", name, "A").strip()

    def status(self, name):
        return dig("127.0.0.1", self.port, name, "A").split("status: ")[1].split(",")[0]

    def test_a_zone_is_named_from_outside(self):
        server = self.serve(
            "example.net=plain.zone,Example.COM.=plain.zone,whole.zone",
            plain=PLAIN,
            whole="$ORIGIN example.org.\n" + PLAIN,
        )
        for name in ("net", "com", "org"):
            self.assertEqual(self.address(f"ns1.example.{name}"), "192.0.2.1")
        self.assertNotRegex(server.text, " (error|warning) dns: ")
        self.ends_well(server)

    def test_a_file_may_have_an_equals_sign_in_its_name(self):
        server = self.serve("a=b.zone", **{"a=b": "$ORIGIN example.org.\n" + PLAIN})
        self.assertEqual(self.address("ns1.example.org"), "192.0.2.1")
        self.ends_well(server)

    def test_a_zone_that_cannot_be_loaded_stops_no_other(self):
        server = self.serve(
            "bad.zone,worse.zone,good.zone,named.test=none.zone",
            bad="$ORIGIN example.net.\n" + PLAIN + "www A 192.0.2.\n",
            worse="\\",
            good="$ORIGIN example.org.\n" + PLAIN,
        )
        self.assertEqual(self.address("ns1.example.org"), "192.0.2.1")
        for name in ("example.net", "ns1.example.net", "x.named.test"):
            self.assertEqual(self.status(name), "SERVFAIL", name)
        self.assertEqual(self.status("worse"), "REFUSED")
        self.assertEqual(server.text.count(" error dns: "), 3, server.text)
        self.assertRegex(server.text, r"error dns: bad\.zone:6: ")
        self.assertRegex(
            server.text,
            r"warning dns: not all zones are served: SERVFAIL for "
            r"example\.net\., REFUSED for worse\.zone, SERVFAIL for named\.test\.",
        )
        self.ends_well(server)

    def test_included_files_may_lie_in_folders(self):
        self.write("part", "root A 192.0.2.2\n")
        self.write("sub/part", "sub A 192.0.2.3\n$INCLUDE deep/er\n")
        self.write("sub/deep/er", "deep A 192.0.2.4\n")
        self.write("sub/only.zone", PLAIN + "$INCLUDE ./deep/er\n")
        includes = "$INCLUDE ./part\n$INCLUDE sub/part\n"
        server = self.serve(
            "./whole.zone,example.net=sub/only.zone,out.zone",
            whole="$ORIGIN example.org.\n" + PLAIN + includes,
            out="$ORIGIN example.com.\n" + PLAIN + "$INCLUDE ../part\n",
        )
        for name, address in (("root", 2), ("sub", 3), ("deep", 4)):
            self.assertEqual(self.address(f"{name}.example.org"), f"192.0.2.{address}")
        self.assertEqual(self.address("deep.example.net"), "192.0.2.4")
        self.assertEqual(self.status("example.com"), "SERVFAIL")
        self.assertIn(
            (
                "error dns: out.zone:6: $INCLUDE needs a path below the folder of the zone "
                'files: "../part"'
            ),
            server.text,
        )
        self.ends_well(server)

    def test_a_zone_that_another_item_loads_is_not_reported_as_missing(self):
        for zones in (
            "example.org=plain.zone,Example.org=plain.zone",
            "example.org=none.zone,example.org=plain.zone",
        ):
            server = self.serve(zones, plain=PLAIN)
            self.assertEqual(self.address("ns1.example.org"), "192.0.2.1")
            self.assertNotIn("not all zones are served", server.text)
            self.ends_well(server)

    def test_items_may_have_blanks_and_one_given_twice_is_loaded_once(self):
        server = self.serve(" example.org=plain.zone , example.org=plain.zone", plain=PLAIN)
        self.assertEqual(self.address("ns1.example.org"), "192.0.2.1")
        self.assertRegex(server.text, "warning dns: --zone names example.org=plain.zone twice")
        self.assertNotIn(" error ", server.text)
        self.ends_well(server)

    def test_a_byte_order_mark_is_no_part_of_a_zone_or_of_what_it_includes(self):
        self.write("part", "\ufeff$TTL 60\nwww A 192.0.2.2\n")
        server = self.serve(
            "plain.zone", plain="\ufeff$ORIGIN example.org.\n" + PLAIN + "$INCLUDE part\n"
        )
        self.assertEqual(self.address("www.example.org"), "192.0.2.2")
        self.ends_well(server)

    def test_what_is_there_and_cannot_be_read_is_not_called_missing(self):
        (self.folder / "folder.zone").mkdir()
        server = self.serve("plain.zone,folder.zone", plain="$ORIGIN example.org.\n" + PLAIN)
        self.assertRegex(server.text, 'error dns: the zone file "folder.zone" cannot be read: ')
        self.assertNotIn("there is no zone file", server.text)
        self.assertEqual(self.status("example.net"), "REFUSED")
        self.ends_well(server)

    def test_zones_come_from_boot_files_on_both_targets(self):
        self.write("zones/good.zone", "$ORIGIN example.org.\n" + PLAIN + "$INCLUDE parts/one\n")
        self.write("zones/parts/one", "www A 192.0.2.7\n")
        self.write("zones/bad.zone", "$ORIGIN example.net.\n" + PLAIN + "www A 192.0.2.\n")
        for of in (BOOT, KERNEL_BOOT):
            with self.subTest(of[-1].name):
                self.port = free_port()
                files = ("--files", self.folder / "zones", "--")
                words = (f"--port={self.port}", "--zone=good.zone,bad.zone,none.zone")
                server = self.served(self.run_line(of, *files, *words))
                self.assertEqual(self.address("www.example.org"), "192.0.2.7")
                self.assertEqual(self.status("example.net"), "SERVFAIL")
                self.assertRegex(server.text, r"error dns: bad\.zone:6: ")
                self.assertRegex(server.text, 'error dns: there is no zone file "none.zone"')
                self.ends_well(server)

    def test_port_0_is_any_free_one_the_same_for_udp_and_tcp(self):
        server = self.served(self.run_line(PROCESS, "--", "--port=0"))
        port = int(re.search("serving on port ([0-9]+), UDP and TCP", server.text)[1])
        self.assertNotEqual(port, 0)
        self.answers_dig("127.0.0.1", port)
        self.answers_dig("127.0.0.1", port, "+tcp")
        self.ends_well(server)

    @unittest.skipUnless(has_ipv6(), "this host has no IPv6")
    def test_both_families_are_served_and_answered_from_the_address_that_was_asked(self):
        port = free_port()
        server = self.served(self.run_line(PROCESS, "--", f"--port={port}"))
        for address in ("127.0.0.1", "127.0.0.77", "::1"):
            for words in ((), ("+tcp",)):
                got = dig(address, port, *words, "+short", "www.example.org", "A")
                self.assertEqual(got, "192.0.2.80\n", address)
        self.ends_well(server)

    @unittest.skipUnless(shutil.which(QEMU), "needs QEMU")
    def test_a_kernel_takes_a_name_from_outside(self):
        self.run_fata("build", *KERNEL)
        port = free_port()
        zones = "--zone=other.zone,example.org=example.org.zone"
        server = self.served(
            self.run_line(KERNEL, "--accel", "tcg", "--forward", f"{port}:1053", "--", zones)
        )
        self.assertIn('error dns: there is no zone file "other.zone"', server.text)
        self.assertEqual(dig("127.0.0.1", port, "+short", "www.example.org", "A"), "192.0.2.80\n")
        self.ends_well(server)


if __name__ == "__main__":
    unittest.main()
