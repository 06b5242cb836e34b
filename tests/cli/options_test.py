"""Words and options that the fata command rejects: it suggests the right word or position."""
import re
import unittest

from fata import BUILD, FataTest, fata

NOOP = "examples/tutorial/noop"


class Words(FataTest):
    def test_an_unknown_command(self):
        for word, rest in {
            "buidl": "did you mean build?",
            "bild": "did you mean build?",
            "rnu": "did you mean run?",
            "clena": "did you mean clean?",
            "descirbe": "did you mean describe?",
            "version": "did you mean --version?",
            "flying": "`fata help` lists them",
            "x": "`fata help` lists them",
            "": "`fata help` lists them",
        }.items():
            self.refused(f"fata: no command '{word}'; {rest}", word)
        self.refused(
            "fata: fata help biuld: there is no such command; did you mean build?", "help", "biuld"
        )

    def test_an_option_before_the_command(self):
        self.refused(
            "fata: --target goes after the command, as in `fata configure --target`",
            "--target",
            "kvm",
            "run",
            NOOP,
        )
        self.refused(
            "fata: no option '--bogus'; name a command first: `fata help` lists them",
            "--bogus",
            "run",
            NOOP,
        )
        self.refused("fata: no option '--verison'; did you mean --version?", "--verison")
        self.refused("fata: no option '--hlep'; did you mean --help?", "--hlep", "run")

    def test_an_option_that_is_misspelt(self):
        for words, line in {
            ("build", "--targt", "kvm"): "fata build: no option --targt; did you mean --target?",
            (
                "build",
                "--bulid-dir=x",
            ): "fata build: no option --bulid-dir; did you mean --build-dir?",
            ("run", "--memry", "9"): "fata run: no option --memry; did you mean --memory?",
            ("run", "-forward", "1:1"): "fata run: no option -forward; did you mean --forward?",
            (
                "new",
                "x",
                "--templat",
                "udp",
            ): "fata new: no option --templat; did you mean --template?",
            ("query", "--jsn"): "fata query: no option --jsn; did you mean --json?",
            ("describe", "--dto"): "fata describe: no option --dto; did you mean --dot?",
            ("clean", "--al"): "fata clean: no option --al; did you mean --all?",
            ("test", "--logn"): "fata test: no option --logn; did you mean --long?",
        }.items():
            self.refused("fata: " + line, *words)

    def test_an_option_of_another_command(self):
        self.refused(
            "fata: fata build: --disk is an option of `fata run`", "build", NOOP, "--disk", "x"
        )
        self.refused(
            "fata: fata clean: -D is an option of `fata configure`", "clean", NOOP, "-D", "x=1"
        )
        self.refused(
            "fata: fata describe: --plain is an option of `fata configure`",
            "describe",
            NOOP,
            "--plain",
        )

    def test_a_word_too_many(self):
        self.refused(
            "fata: fata build: unexpected argument 'b' (--help explains)", "build", NOOP, "b"
        )

    def test_an_option_that_may_be_the_images(self):
        self.refused(
            (
                "fata: fata run: no option --port; if it is the image's, write it after --, "
                "as in `fata run nowhere -- --port=99`"
            ),
            "run",
            "nowhere",
            "--port",
            "99",
        )

    def test_an_option_that_is_the_images(self):
        app = "examples/tutorial/hello-key"
        build = ["--build-dir", BUILD / "hello-key-linux"]
        self.run_fata("configure", app, *build)
        for words, option in (
            (["--greeting", "Hi"], "--greeting=Hi"),
            (["--greeting=Hi"], "--greeting=Hi"),
            (["--times", "3"], "--times=3"),
            (["--log=*:off"], "--log=*:off"),
        ):
            self.refused(
                (
                    f"fata: {words[0].partition('=')[0]} is the image's: write it after --, "
                    f"as in `fata run {app} -- {option}`"
                ),
                "run",
                app,
                *build,
                *words,
            )

    def test_a_number_that_is_none(self):
        self.refused(
            "fata: --memory: must be a whole number of MiB (--help explains)",
            "run",
            NOOP,
            "-t",
            "kvm",
            "--memory",
            "big",
        )

    def test_an_option_without_its_value(self):
        for words in (
            ["--target"],
            ["-t"],
            ["--pcap"],
            ["--pcap="],
            ["--memory"],
            ["-D"],
            ["--disk"],
        ):
            option = "--target" if words[0] == "-t" else words[0].strip("=")
            done = self.run_fata("run", NOOP, *words, status=64)
            self.assertEqual(
                done.stderr, f"fata: {option}: its value is missing (--help explains)\n"
            )

    def test_a_value_for_an_option_that_takes_none(self):
        for word in ("--lab=x", "--dry-run=maybe"):
            self.refused(
                "fata: an option that takes no value was given one (--help explains)",
                "run",
                NOOP,
                word,
            )

    def test_a_value_that_is_empty(self):
        text = self.run_fata("run", "--help").stdout
        taking = re.findall(r"(?m)^  (?:-\w,)?(--?[a-zA-Z-]+) (?:TEXT|[A-Z]*\[|[A-Z]+=)", text)
        self.assertLess(
            {"--target", "--net", "--build-dir", "-D", "--pcap", "--accel", "--disk"}, set(taking)
        )
        for option in taking:
            self.refused(
                f"fata: fata run: {option} is empty (--help explains)", "run", NOOP, option, ""
            )
        self.refused(
            "fata: fata new: --template is empty (--help explains)", "new", "x", "--template", ""
        )
        for command in ("configure", "build", "run", "describe", "query", "clean"):
            self.refused(
                f"fata: fata {command}: application is empty (--help explains)", command, ""
            )
            self.refused(
                f"fata: fata {command}: --build-dir is empty (--help explains)",
                command,
                NOOP,
                "--build-dir",
                "",
            )

    def test_options_that_exclude_each_other(self):
        for words in (
            ["describe", NOOP, "--dot", "--json"],
            ["clean", NOOP, "--all", "-t", "kvm"],
            ["clean", NOOP, "--all", "--net", "host"],
            ["clean", NOOP, "--all", "--build-dir", "x"],
        ):
            done = self.run_fata(*words, status=64)
            self.assertRegex(
                done.stderr, r"^fata: --[a-z-]+ excludes --[a-z-]+ \(--help explains\)\n$"
            )


class Options(FataTest):
    """Each option of `fata run` for each target is accepted, or refused with a reason if it would
    have no effect.
    """

    process, qemus = (
        "use it with -t kvm",
        "is QEMU's, for -t kvm; on Xen the domain's configuration says such things",
    )
    lab = "is for -t xen"
    sim = "is for -t sim"
    # Option: its value, then the reason against it (None: accepted) for a process, for kvm, for xen
    # in the lab, and for xen in dom0.
    TABLE = {
        "--accel": ("tcg", "a process needs no accelerator; " + process, None, qemus, qemus),
        "--machine": (
            "q35",
            "a process runs on no machine of QEMU's; " + process,
            None,
            qemus,
            qemus,
        ),
        "--memory": (
            "64",
            "a process takes the memory that it needs; use it with -t kvm or -t xen",
            None,
            None,
            None,
        ),
        "--forward": (
            "tcp:1053:53",
            "a process is on the host's network already; " + process,
            "ports are forwarded with --link user only",
            None,
            "ports are forwarded with --lab only; a domain has an address of its own on its bridge",
        ),
        "--console": (None, "a process has its console already; " + process, None, qemus, qemus),
        "--link": ("tap:x", "needs Fata's own stack; add --net direct", None, qemus, qemus),
        "--pcap": (
            "x",
            "this process has no NIC of its own to capture from; add --net direct, or use -t kvm",
            "there is no NIC to capture from",
            qemus,
            qemus,
        ),
        "--disk": (
            "x",
            "this application has no disk",
            "this application has no disk",
            "this application has no disk",
            "this application has no disk",
        ),
        "--files": (
            "x",
            "this application takes no boot files; see boot_files() in config.cpp",
            "this application takes no boot files; see boot_files() in config.cpp",
            "this application takes no boot files; see boot_files() in config.cpp",
            "this application takes no boot files; see boot_files() in config.cpp",
        ),
        "--seed": ("1", sim, sim, sim, sim),
        "--for": ("1s", sim, sim, sim, sim),
        "--gdb": (None, None, None, qemus, qemus),
        "--lab": (None, lab, lab, None, None),
        "--plain": (
            None,
            "a process is not packed; use it with -t kvm or -t xen",
            None,
            None,
            None,
        ),
        "--dry-run": (None, None, None, None, None),
        "--verbose": (None, None, None, None, None),
    }
    TARGETS = (["linux"], ["kvm"], ["xen", "--lab"])

    def test_the_table_is_of_all_options(self):
        known = set(re.findall(r"--[a-z-]+", self.run_fata("run", "--help").stdout))
        self.assertEqual(known - {"--help", "--target", "--net", "--build-dir"}, set(self.TABLE))

    def test_what_does_nothing_is_refused(self):
        for number, target in enumerate(self.TARGETS):
            for option, (value, *whys) in self.TABLE.items():
                with self.subTest(option=option, target=target):
                    if option in target:
                        continue
                    words = [option] if value is None else [option, value]
                    done = fata(
                        "run",
                        NOOP,
                        "-t",
                        *target,
                        "--dry-run",
                        "--build-dir",
                        BUILD / f"noop-{target[0]}",
                        *[word for word in words if word != "--dry-run"],
                    )
                    if whys[number] is None:
                        self.assertEqual(done.returncode, 0, done.stderr)
                        continue
                    self.assertEqual(done.returncode, 64, done.stdout)
                    named = "--link tap" if (option, target) == ("--link", ["linux"]) else option
                    self.assertEqual(done.stderr.splitlines()[-1], f"fata: {named}: {whys[number]}")

    def test_a_dom0_forwards_no_ports(self):
        self.refused(
            "fata: --forward: " + self.TABLE["--forward"][-1],
            "run",
            NOOP,
            "-t",
            "xen",
            "--forward",
            "1:1",
        )

    def test_they_are_refused_before_anything_is_built(self):
        self.run_fata("new", "app", cwd=self.folder)
        self.refused(
            "fata: --memory: " + self.TABLE["--memory"][1],
            "run",
            "app",
            "--memory",
            "64",
            cwd=self.folder,
        )
        for words, line in {
            ("kvm", "--memory", "0"): "--memory 0: a guest needs 2 MiB or more",
            ("kvm", "--memory", "1"): "--memory 1: a guest needs 2 MiB or more",
            ("xen", "--lab", "--memory", "3"): "--memory 3: a domain needs 4 MiB or more",
            ("kvm", "--machine", "foo"): "--machine foo: the machines are microvm, pc and q35",
            ("kvm", "--accel", "foo"): "--accel foo: the accelerators are kvm and tcg",
            ("kvm", "--link", "foo"): "--link foo: write user, tap, tap:NAME or none",
            (
                "kvm",
                "--forward",
                "x",
            ): "--forward x: write [udp|tcp:]HOST:GUEST, as in udp:1053:53",
            ("kvm", "--disk", ",ro"): "--disk: the file name is missing",
        }.items():
            self.refused("fata: " + line, "run", "app", "-t", *words, cwd=self.folder)
        self.assertFalse((self.folder / "app/.fata").exists())

    def test_a_disk_is_refused_before_anything_is_built(self):
        app = "examples/devices/block"
        for target in (["kvm"], ["xen", "--lab"]):
            folder = self.folder / target[0]
            done = self.run_fata(
                "run", app, "--build-dir", folder, "-t", *target, "--disk", "none.img", status=64
            )
            self.assertEqual(
                done.stderr.splitlines()[-1],
                "fata: --disk: none.img: no such file; make one with: truncate -s 64M none.img",
            )
            self.assertFalse((folder / "build").exists())


if __name__ == "__main__":
    unittest.main()
