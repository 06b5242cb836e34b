"""Command lines that the fata command refuses, and the line that it prints."""
import unittest

from fata import BUILD, FATA, ROOT, FataTest, fata

NOOP = "examples/tutorial/noop"


class Refuses(FataTest):
    def test_no_command_is_a_request_for_the_overview(self):
        self.assertEqual(self.run_fata().stdout, (ROOT / "tool/help/fata.txt").read_text())

    def test_an_unknown_option(self):
        self.refused(
            "fata: The following argument was not expected: --bogus (--help explains)",
            "build",
            NOOP,
            "--bogus",
        )

    def test_a_missing_folder(self):
        self.refused(
            "fata: nowhere: no such folder; name an application's folder", "build", "nowhere"
        )

    def test_a_folder_without_config(self):
        self.refused(
            "fata: docs-of-nobody: contains no config.cpp; `fata new NAME` makes an application",
            "build",
            "docs-of-nobody",
            cwd=self.made("docs-of-nobody"),
        )

    def made(self, name):
        (self.folder / name).mkdir()
        return self.folder

    def test_an_unknown_target(self):
        self.refused(
            "fata: -t xbox: the targets are linux, kvm, xen and sim", "build", NOOP, "-t", "xbox"
        )

    def test_a_domain_needs_a_dom0_or_the_lab(self):
        done = self.run_fata(
            "run", NOOP, "-t", "xen", "--build-dir", self.folder / "xen", status=64
        )
        self.assertRegex(
            done.stderr.splitlines()[-1],
            (
                r"^fata: -t xen: this machine is not a Xen dom0: it has no xl; .*`fata run --lab`"
                r" boots"
            ),
        )
        done = self.run_fata(
            "run",
            NOOP,
            "-t",
            "xen",
            "--lab",
            "--accel",
            "kvm",
            "--build-dir",
            self.folder / "xen",
            status=64,
        )
        self.assertIn("fata: --accel: is QEMU's, for -t kvm", done.stderr)
        done = self.run_fata("run", NOOP, "--lab", "--build-dir", self.folder / "linux", status=64)
        self.assertEqual(done.stderr.splitlines()[-1], "fata: --lab: is for -t xen")

    def test_an_unknown_stack(self):
        self.refused(
            "fata: --net other: the stacks are host and direct", "build", NOOP, "--net", "other"
        )

    def test_the_hosts_sockets_for_a_kernel(self):
        self.refused(
            (
                "fata: --net host: a kernel has no host to lend it sockets; leave it out, or use -t"
                " linux"
            ),
            "build",
            NOOP,
            "-t",
            "kvm",
            "--net",
            "host",
        )

    def test_a_bad_name_for_a_new_application(self):
        self.refused(
            "fata: fata new 'Bad_Name': a name is lower case letters, digits and hyphens",
            "new",
            "Bad_Name",
        )

    def test_a_new_application_over_an_old_folder(self):
        self.refused(
            "fata: fata new taken: taken exists already; choose another name",
            "new",
            "taken",
            cwd=self.made("taken"),
        )

    def test_an_unknown_query_word(self):
        done = self.run_fata(
            "query", NOOP, "colour", "--build-dir", BUILD / "noop-linux", status=64
        )
        self.assertTrue(
            done.stderr.startswith("fata: fata query: no word 'colour'; the words: name, target, "),
            done.stderr,
        )
        self.assertEqual(done.stderr.count("\n"), 1)

    def test_an_unknown_help_topic(self):
        self.refused(
            "fata: fata help flying: there is no such command; `fata help` lists them",
            "help",
            "flying",
        )

    def test_parameters_where_nothing_runs(self):
        self.refused(
            "fata: words after -- are the unikernel's: only `fata run` takes them",
            "build",
            NOOP,
            "--",
            "--x=1",
        )

    def test_kernel_options_for_a_process(self):
        run = ["run", NOOP, "--build-dir", BUILD / "noop-linux"]
        self.refused_last(
            "fata: --accel: a process needs no accelerator; use it with -t kvm",
            *run,
            "--accel",
            "kvm",
        )
        self.refused_last(
            "fata: --forward: a process is on the host's network already; use it with -t kvm",
            *run,
            "--forward",
            "80:80",
        )
        self.refused_last(
            "fata: --link tap: needs Fata's own stack; add --net direct", *run, "--link", "tap:t0"
        )
        self.refused_last(
            (
                "fata: --pcap: this process has no NIC of its own to capture from; add"
                " --net direct, or use -t kvm"
            ),
            *run,
            "--pcap",
            "x.pcap",
        )
        self.refused_last(
            "fata: --console: a process has its console already; use it with -t kvm",
            *run,
            "--console",
        )
        self.refused_last(
            "fata: --link user: a process can only be given tap[:NAME]", *run, "--link", "user"
        )

    def refused_last(self, line, *words):
        """Like refused(), but a build may have printed lines before."""
        done = self.run_fata(*words, status=64)
        self.assertEqual(done.stderr.strip().splitlines()[-1], line)

    def test_wrong_options_for_a_kernel(self):
        # Nothing is booted: --dry-run is given, and each line is refused before that anyway.
        run = ["run", NOOP, "-t", "kvm", "--build-dir", BUILD / "noop-kvm", "--dry-run"]
        for words, line in {
            (
                "--machine",
                "toaster",
            ): "fata: --machine toaster: the machines are microvm, pc and q35",
            ("--accel", "magic"): "fata: --accel magic: the accelerators are kvm and tcg",
            ("--link", "string"): "fata: --link string: write user, tap, tap:NAME or none",
            (
                "--link",
                "user",
                "--forward",
                "80",
            ): "fata: --forward 80: write [udp|tcp:]HOST:GUEST, as in udp:1053:53",
            (
                "--link",
                "user",
                "--forward",
                "udp:0:53",
            ): "fata: --forward udp:0:53: write [udp|tcp:]HOST:GUEST, as in udp:1053:53",
            ("--forward", "53:53"): "fata: --forward: ports are forwarded with --link user only",
            ("--pcap", "x.pcap"): "fata: --pcap: there is no NIC to capture from",
            (
                "--link",
                "none",
                "--link",
                "user",
            ): "fata: --link user: the image has 1 NIC; -D cards=2 gives default_stack() more",
        }.items():
            self.refused_last(line, *run, *words)


class NoInstall(FataTest):
    def test_names_what_is_missing_and_stops(self):
        # A copy of the script in its own tree, whose package list names a file that does not exist.
        script = (ROOT / "fata").read_text().replace("/usr/bin/ninja", "/usr/bin/no-such-ninja")
        tree = self.folder / "tree"
        tree.mkdir()
        (tree / "fata").write_text(script)
        done = fata("build", NOOP, command=["bash", str(tree / "fata"), "--no-install"])
        self.assertEqual(done.returncode, 64)
        self.assertEqual(
            done.stderr,
            (
                "fata: building Fata needs Debian packages that are missing, and --no-install"
                " forbids installing them: apt-get install --no-install-recommends ninja-build\n"
            ),
        )


class Helps(FataTest):
    def test_every_command_explains_itself(self):
        for command in "new configure build run describe query clean test help".split():
            text = self.run_fata(command, "--help").stdout
            self.assertIn("Usage: ", text)
            self.assertEqual(text, self.run_fata("help", command).stdout)

    def test_without_a_topic_lists_the_commands(self):
        text = self.run_fata("help").stdout
        for command in "new configure build run describe query clean test help".split():
            self.assertIn(f"\n  {command} ", text)


if __name__ == "__main__":
    unittest.main()
