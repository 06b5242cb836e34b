"""A configuration with which the name server cannot start produces one clear line and status 64 on
every target, and never a backtrace.
"""
import re
import socket
import subprocess
import unittest

from dns import DIRECT, FOLDER, KERNEL, PROCESS, NameServerTest, free_port

NO_TAP_RIGHTS = ["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin"]
LOG = re.compile(r"^\[ *[0-9.]+\] ")


class Refusals(NameServerTest):
    @classmethod
    def setUpClass(cls):
        for of in (KERNEL, PROCESS, FOLDER, DIRECT):
            cls().run_fata("build", *of)

    def refuses(self, line, of, *words, before=(), after=()):
        """`line` is a regular expression for the last line, the only line that does not report a
        success.
        """
        done = subprocess.run(
            [*before, *map(str, self.run_line(of, *words, "--", *after))],
            text=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )
        text = (done.stdout + done.stderr).replace("\r", "")
        self.assertEqual(done.returncode, 64, text)
        wrong = [
            LOG.sub("", said)
            for said in text.splitlines()
            if not LOG.match(said) or " error " in said
        ]
        wrong = [
            said
            for said in wrong
            if not re.search("is forwarded to|running on TCG|was no fata", said)
        ]
        self.assertEqual(len(wrong), 1, text)
        self.assertRegex(wrong[0], f"^{line}$")

    def refuses_all(self, count, of, after):
        """Every faulty zone is reported in its own line, and the status is 64."""
        done = subprocess.run(
            [*map(str, self.run_line(of, "--", *after))],
            text=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )
        errors = (done.stdout + done.stderr).count(" error dns: ")
        self.assertEqual((done.returncode, errors), (64, count), done)

    def kernel(self, line, *words, after=()):
        forward = (
            [] if "none" in words or "--memory" in words else ["--forward", f"{free_port()}:1053"]
        )
        self.refuses(line, KERNEL, "--accel", "tcg", *words, *forward, after=after)

    def test_an_unknown_zone(self):
        line = (
            'error dns: there is no zone file "nope"; there is example.org.zone; choose with --zone'
        )
        self.kernel(line, after=["--zone", "nope"])
        self.refuses(line, PROCESS, after=["--zone", "nope"])

    def test_no_zone(self):
        line = "error dns: --zone names no zone file; there is example.org.zone"
        self.kernel(line, after=["--zone="])
        self.refuses(line, PROCESS, after=["--zone="])

    def test_an_empty_item(self):
        for zones in (",example.org.zone", "example.org.zone,", "example.org.zone,,nope", ","):
            self.refuses(
                (
                    f"error dns: --zone={zones}: an item is empty; items are FILE or NAME=FILE, "
                    "with commas between"
                ),
                PROCESS,
                after=["--zone=" + zones],
            )

    def test_an_unknown_or_wrong_parameter(self):
        for words, line in (
            (["--zonne=x"], r"dns: unknown parameter --zonne; did you mean --zone\?"),
            (["--port=99999"], "dns: --port takes a number from 0 to 65535, not '99999'"),
            (["--rrl=0"], "dns: --rrl takes a number from 1 to 100000, or off, not '0'"),
            (
                ["--rrl-exempt=10.0.0.1/8"],
                (
                    "dns: --rrl-exempt takes up to 32 addresses and prefixes such as"
                    " 192.0.2.1,10.0.0.0/8,2001:db8::/32, whose bits behind the prefix are 0, not"
                    " '10.0.0.1/8(,10.0.2.2,fec0::2)?'"
                ),
            ),
        ):
            self.kernel(line, after=words)
            self.refuses(line, PROCESS, after=words)
        self.kernel(r"dns: --ipv4 .*'10\.0\.2\.300/24'", after=["--ipv4=10.0.2.300/24"])

    def test_zone_files_from_a_folder(self):
        def with_zone(text):
            (self.folder / "a.zone").write_text(text)
            return ["--zones", str(self.folder), "--zone", "a.zone"]

        self.refuses(
            "error dns: there are no zone files at all", FOLDER, after=["--zones", str(self.folder)]
        )
        soa = (
            "$ORIGIN example.net.\n$TTL 1h\n@ SOA ns hostmaster 1 1h 1h 1h 1h\n@ NS ns\nns A"
            " 192.0.2.1\n"
        )
        for text, line in (
            (soa + "www A 192.0.2.\n", r"a\.zone:6: .+"),
            (soa + "www B 192.0.2.1\n", r"a\.zone:6: .+"),
            (soa + 'www TXT "open\n', r"a\.zone:6: .+"),
            (soa + "$INCLUDE b.zone\n", r"a\.zone:6: .+"),
            ("", r"a\.zone:1: the zone has no SOA record"),
            ("\0\xff" * 500, r'a\.zone:1: [ -~]+\.\.\."'),
        ):
            self.refuses("error dns: " + line, FOLDER, after=with_zone(text))
        for words, count in (("example.net=a.zone,b.zone", 2), ("a.zone,a.zone,b.zone", 2)):
            folder = with_zone(soa + "www A 192.0.2.\n")[:2]
            self.refuses_all(count, FOLDER, after=[*folder, "--zone", words])
        for zones, line in (
            ("a..b=a.zone", r'--zone a\.\.b=a\.zone: "a\.\.b" is not the name of a zone: .+'),
            ("example.org=a.zone", r"a\.zone:1: the SOA record is not at the name that was .+"),
        ):
            self.refuses("error dns: " + line, FOLDER, after=[*with_zone(soa)[:2], "--zone", zones])
        self.refuses(
            r"error dns: a\.zone:2: .+\$ORIGIN.+; or give the zone's name: .+",
            FOLDER,
            after=with_zone(soa.replace("$ORIGIN example.net.\n", "")),
        )
        self.refuses(
            (
                r"dns: cannot set up the folder \(--zones\): os: \S+/missing: No such file or"
                r" directory"
            ),
            FOLDER,
            after=["--zones", str(self.folder / "missing")],
        )

    def test_a_port_in_use(self):
        for kind, name in ((socket.SOCK_DGRAM, "UDP"), (socket.SOCK_STREAM, "TCP")):
            with socket.socket(socket.AF_INET, kind) as taken:
                taken.bind(("127.0.0.1", 0))
                if name == "TCP":
                    taken.listen()
                port = taken.getsockname()[1]
                self.refuses(
                    (
                        f"error dns: cannot serve {name} on port {port}: os: Address already in"
                        " use; choose another with --port"
                    ),
                    PROCESS,
                    after=[f"--port={port}"],
                )
                self.refuses(
                    (
                        f"fata: {name.lower()} port {port} of the host is in use; forward another"
                        f" with --forward {name.lower()}:PORT:{port}"
                    ),
                    KERNEL,
                    "--accel",
                    "tcg",
                    after=[f"--port={port}"],
                )

    def test_a_kernel_without_a_nic(self):
        self.kernel(
            (r"dns: cannot set up NIC 0 \(--link\): virtio: this machine has no such" r" device"),
            "--link",
            "none",
        )

    def test_too_little_memory(self):
        self.kernel("fata: --memory 1: a guest needs 2 MiB or more", "--memory", "1")

    @unittest.skipUnless(
        subprocess.run(
            [*NO_TAP_RIGHTS, "test", "-r", "/dev/net/tun"], capture_output=True
        ).returncode
        == 0,
        "needs /dev/net/tun, and the right to drop rights",
    )
    def test_a_tap_without_rights(self):
        self.refuses(
            r"dns: cannot set up the tap device \(--tap\): tap: no permission to use the tap;"
            r" run as"
            r" root, or make one for "
            "this user: ip tuntap add NAME mode tap vnet_hdr user USER",
            DIRECT,
            "--link",
            "tap:fata9",
            before=NO_TAP_RIGHTS,
        )
        self.refuses(
            r"fata: --link tap: no permission to use fata9 \(Operation not permitted\); as root: ip"
            r" tuntap add fata9 mode "
            "tap user NAME, or use --link user",
            KERNEL,
            "--accel",
            "tcg",
            "--link",
            "tap:fata9",
            before=NO_TAP_RIGHTS,
        )

    def test_a_link_that_is_none(self):
        self.refuses(
            "fata: --link tapp: write user, tap, tap:NAME or none",
            KERNEL,
            "--accel",
            "tcg",
            "--link",
            "tapp",
        )
        self.refuses(
            "fata: --link tap:: write tap or tap:NAME", KERNEL, "--accel", "tcg", "--link", "tap:"
        )
        self.refuses(
            r"fata: --link none: a process can only be given tap\[:NAME\]", DIRECT, "--link", "none"
        )


if __name__ == "__main__":
    unittest.main()
