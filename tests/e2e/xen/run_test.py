"""One guest whose console and exit status are the command's own: with the lab's command line, and
with `fata run` in dom0.
"""
import contextlib
import dataclasses
import io
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import guests
from dom0 import Dom0
from domains import XenTest
from fata import BUILD, FATA, ROOT, long
from lab import __main__ as command, guest

LAB = [sys.executable, str(ROOT / "tool/lab")]


class LabRun(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.stub = guests.stub(self.folder)
        subprocess.run([*LAB, "build"], check=True, stdout=subprocess.DEVNULL)

    def test_a_guest_that_does_not_heed_the_first_signal_is_destroyed_by_the_second(self):
        copy = pathlib.Path(self.folder, "said")
        running = subprocess.Popen(
            [
                *LAB,
                "run",
                "--kernel",
                self.stub,
                "--cmdline",
                'wait "said" \\ so',
                "--memory",
                "16",
                "--save-console",
                copy,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(running.kill)
        self.assertEqual(running.stdout.readline(), 'stub: wait "said" \\ so\n')
        for number in (signal.SIGTERM, signal.SIGINT):
            running.send_signal(number)
        out, errors = running.communicate(timeout=300)
        self.assertEqual(
            (out, errors, running.returncode),
            ("", "xen lab: the guest did not shut down; it is destroyed\n", 70),
        )
        self.assertEqual(copy.read_text(), 'stub: wait "said" \\ so\n')

    def test_wrong_usage_is_said_before_anything_is_started(self):
        for words, line in (
            (["run"], "one of the arguments config --kernel is required"),
            (["run", "--kernel", "/none"], "argument --kernel: there is no file /none"),
            (
                ["run", "--kernel", self.stub, "--forward", "udp:x"],
                "argument --forward: invalid forward value: 'udp:x'",
            ),
        ):
            done = subprocess.run(
                [*LAB, *map(str, words)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=900,
            )
            self.assertEqual(
                (done.returncode, done.stderr.splitlines()[-1]), (64, f"lab run: error: {line}")
            )


HELLO, DNS, BLOCK = "examples/tutorial/hello-key", "apps/dns", "examples/devices/block"
KV_RO = "examples/devices/kv-ro"
SLOW = (HELLO, "--", "--pause=1h")


@dataclasses.dataclass
class Running:
    process: subprocess.Popen
    out: pathlib.Path
    errors: pathlib.Path

    def __str__(self):
        return self.out.read_text() + self.errors.read_text()


class FataRun(XenTest):
    """`fata run -t xen` where xl works: the command runs on the host and uses the xl of the lab's
    dom0.
    """

    def setUp(self):
        super().setUp()
        bridge = self.folder / "bridge"
        bridge.mkdir()
        self.dom0 = Dom0(self.lab, bridge)
        self.addCleanup(self.dom0.close)

    def begin(self, app, *words):
        self.built(app)
        count = len(list(self.folder.glob("out-*")))
        out, errors = (self.folder / f"{kind}-{count}" for kind in ("out", "errors"))
        line = [
            *FATA,
            "run",
            app,
            "-t",
            "xen",
            "--build-dir",
            BUILD / f"{pathlib.Path(app).name}-xen",
            *words,
        ]
        with out.open("w") as first, errors.open("w") as second:
            process = subprocess.Popen(
                line,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=first,
                stderr=second,
                env={**os.environ, "PATH": f"{self.dom0.folder}:{os.environ['PATH']}"},
            )
        self.addCleanup(process.kill)
        return Running(process, out, errors)

    def going(self, text, app, *words):
        running = self.begin(app, *words)
        self.until(running, lambda: text in running.out.read_text())
        return running

    def until(self, running, done):
        end = time.monotonic() + 450
        while not done():
            self.assertLess(time.monotonic(), end, f"{running}\n{self.lab.tail()}")
            self.dom0.step()

    def ended(self, running):
        """The standard output, the last line of the standard error, and the status."""
        self.until(running, lambda: running.process.poll() is not None)
        return (
            running.out.read_text(),
            running.errors.read_text().splitlines()[-1:],
            running.process.returncode,
        )

    def refused(self, *words):
        out, errors, status = self.ended(self.begin(*words))
        self.assertEqual((out, status), ("", 64))
        return errors[0]

    def state(self, name):
        return self.lab.run(f"xl list {name}").text.splitlines()[-1].split()[4]

    def test_the_console_is_passed_on_and_the_status_is_the_image_s(self):
        done = self.ended(self.begin(HELLO, "--", "--times=2", "--pause=10ms", "--greeting=say it"))
        self.assertEqual(done, ("say it, world!\n" * 2, [], 0))
        # Xen sees this exit as a crash.
        done = self.ended(self.begin(HELLO, "--", "--times=many"))
        self.assertEqual(
            done, ("hello-key: --times takes a number from 0 to 65535, not 'many'\n", [], 64)
        )
        self.assertEqual(set(self.lab.domains()), {"Domain-0"}, "nothing stays")

    def test_a_signal_shuts_the_domain_down_whose_last_words_are_heard(self):
        running = self.going("serving on port 1053, UDP and TCP", DNS)
        self.assertIn(self.state("dns"), ("-b----", "r-----"))
        self.lab.run("xl trigger dns nmi")  # the image logs a backtrace and continues
        self.until(running, lambda: "fata_platform_main" in running.out.read_text())
        running.process.send_signal(signal.SIGINT)
        out, errors, status = self.ended(running)
        self.assertEqual((errors, status), ([], 0), out)
        self.assertRegex(
            out, r"(?m)^ +(\(inlined by\) )?fata::async::Loop::\w+\(.*\) at .*/loop.cpp:\d+"
        )
        self.assertIn("served: nothing", out)
        running = self.going("Hello, world!", *SLOW)
        running.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.ended(running), ("Hello, world!\n", [], 0))

    @long
    def test_a_second_signal_destroys_what_does_not_heed_the_first(self):
        running = self.going("Hello, world!", *SLOW)
        self.lab.run("xl pause hello-key")
        self.assertRegex(self.state("hello-key"), "^.[b-]p---$")
        # Both signals at once count as one request: timeout(1) signals its child, then its group.
        for number in (signal.SIGTERM, signal.SIGINT):
            running.process.send_signal(number)
        asked = f"xenstore-read /local/domain/{self.lab.domains()['hello-key']}/control/shutdown"
        self.until(running, lambda: self.lab.run(asked, check=False).text == "poweroff\n")
        self.assertIsNone(running.process.poll())
        begin = time.monotonic()
        running.process.send_signal(signal.SIGINT)
        self.assertEqual(
            self.ended(running)[1:], (["fata: the domain did not shut down; it is destroyed"], 70)
        )
        self.assertLess(
            time.monotonic() - begin,
            55,
            "it does not wait for `xl shutdown`, which waits for a minute",
        )
        self.assertEqual(set(self.lab.domains()), {"Domain-0"}, "nothing stays")

    def test_a_domain_that_somebody_destroys_is_missed_and_nobody_else_s_name_is_taken(self):
        running = self.going("Hello, world!", *SLOW)
        self.assertEqual(
            self.refused(HELLO),
            (
                "fata: there is a domain hello-key already; `xl shutdown hello-key` or "
                "`xl destroy hello-key` ends it"
            ),
        )
        self.lab.run("xl destroy hello-key")
        self.assertEqual(
            self.ended(running),
            ("Hello, world!\n", ["fata: the domain is gone: another program destroyed it"], 70),
        )

    def test_disks_are_files_of_dom0(self):
        disk = self.lab.folder / "run.img"
        disk.write_bytes(bytes(1 << 20))
        out, _, status = self.ended(self.begin(BLOCK, "--disk", disk))
        self.assertEqual(status, 0, out)
        self.assertIn("2048 sectors of 512 bytes, read-write", out)
        out, _, status = self.ended(self.begin(BLOCK, "--disk", f"{disk},ro"))
        self.assertEqual(status, 0, out)
        self.assertIn("2048 sectors of 512 bytes, read-only", out)

    def test_boot_files_are_the_ramdisk_of_the_domain(self):
        files = self.folder / "boot files"
        (files / "zones").mkdir(parents=True)
        (files / "zones/a.zone").write_text("a" * 5000)
        (files / "key.pem").write_text("secret\n")
        for words, wanted in (
            ([], "key.pem 7\nzones/a.zone 5000\n"),
            (["--", "--key=key.pem"], "secret\n"),
        ):
            out, _, status = self.ended(
                self.begin(KV_RO, "-D", "files=boot", "--files", files, *words)
            )
            self.assertEqual((out, status), (wanted, 0))
        # Not those of an earlier run.
        out, _, status = self.ended(self.begin(KV_RO, "-D", "files=boot"))
        self.assertEqual(status, 64)
        self.assertIn("the image was started without an archive", out)

    def test_what_cannot_work_is_refused_with_one_line(self):
        self.lab.run("echo one:x:1000:1000::/:/bin/sh >>/etc/passwd")
        self.dom0.runner = "su one -c"
        self.assertRegex(
            self.refused(HELLO),
            r"^fata: -t xen: xl cannot connect to Xen \(xencall: error: .*: Permission"
            r" denied\): run it as root in dom0; .*`fata run --lab` boots",
        )
        self.dom0.runner = "eval"
        self.assertRegex(self.refused(HELLO, "--memory", "4000"), "^fata: xl create: .*memory")

    def test_xl_list_tells_how_a_domain_is(self):
        for words, state in (("--times=1", "---s--"), ("--times=many", "---sc-")):
            name = self.start(HELLO, words)
            self.lab.end_of(name).wait(60)
            self.assertEqual(self.state(name), state)

    def lab_runs(self, *words):
        """Runs the lab's command line in the existing lab."""
        for number in (signal.SIGINT, signal.SIGTERM):
            self.addCleanup(signal.signal, number, signal.getsignal(number))
        out, errors = io.TextIOWrapper(io.BytesIO()), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            status = guest.run_in(self.lab, command.words().parse_args(["run", *map(str, words)]))
        self.lab.run(f"xl destroy {guest.NAME}")
        (self.lab.folder / "console" / f"guest-{guest.NAME}.log").unlink()
        return out.buffer.getvalue().decode(), errors.getvalue(), status

    def test_the_lab_s_command_ends_as_its_guest(self):
        stub, config = guests.stub(self.folder), self.folder / "off.xl"
        config.write_text(guests.config("any", "stub", "poweroff"))
        self.assertEqual(self.lab_runs(config), ("stub: poweroff\n", "", 0))
        self.assertEqual(
            self.lab_runs("--kernel", stub, "--cmdline", 'crash "said" \\ so', "--memory", 16),
            ('stub: crash "said" \\ so\n', "xen lab: the guest has ended: crash\n", 125),
        )


if __name__ == "__main__":
    unittest.main()
