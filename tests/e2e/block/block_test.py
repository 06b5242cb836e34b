"""Disks of processes and kernels: the conformance suite, refusals, errors of the host, and the data
that survives a kill.
"""
import os
import pathlib
import re
import shlex
import signal
import subprocess
import unittest

from fata import BUILD, FATA, ROOT, FataTest
from refusing import refusing

MACHINES = ("microvm", "q35", "pc")
LOG = re.compile(r"^\[ *[0-9.]+\] ")


def application(path, target):
    return [path, "-t", target, "--build-dir", BUILD / f"{pathlib.Path(path).name}-{target}"]


SUITE = {target: application("tests/e2e/block/image", target) for target in ("linux", "kvm")}
BLOCK = {target: application("examples/devices/block", target) for target in ("linux", "kvm")}
LOTTERY = {
    target: application("examples/devices/disk-lottery", target) for target in ("linux", "kvm")
}


class BlockTest(FataTest):
    @classmethod
    def setUpClass(cls):
        for of in (SUITE, BLOCK, LOTTERY):
            for words in of.values():
                cls().run_fata("build", *words)

    def setUp(self):
        super().setUp()
        self.small = self.disk("small.img", 1 << 20)

    def disk(self, name, size):
        path = self.folder / name
        with path.open("wb") as file:
            file.truncate(size)
        return path

    def kernel(self, *words, **options):
        return self.run_fata("run", "--accel", "tcg", *words, **options)

    def conforms(self, done):
        said = done.stdout.replace("\r", "")
        checks = re.search(r"^(\d+) checks, 0 failures$", said, re.MULTILINE)
        self.assertTrue(checks and int(checks[1]) > 1000, said + done.stderr)
        return said


class Conformance(BlockTest):
    def test_of_a_process(self):
        for words in ("", ",direct", ",sector=4096"):
            big = self.disk("big.img", 16 << 20)
            said = self.conforms(
                self.run_fata(
                    "run", *SUITE["linux"], "--disk", f"{big}{words}", "--disk", self.small
                )
            )
            self.assertIn("sizes: 16777216 and 1048576\n", said)

    def test_of_a_process_to_which_io_uring_is_not_permitted(self):
        for words in ("", ",direct"):
            big = self.disk("big.img", 16 << 20)
            done = self.run_fata(
                "run",
                *SUITE["linux"],
                "--disk",
                f"{big}{words}",
                "--disk",
                self.small,
                command=[*refusing("io_uring_setup"), *FATA],
            )
            self.assertIn("sizes: 16777216 and 1048576\n", self.conforms(done))
            lines = re.findall(
                r"disk: io_uring is not permitted \(.*\): a thread reads and writes (.*)",
                done.stderr,
            )
            self.assertEqual(lines, [str(big), str(self.small)])

    def test_of_a_kernel_on_every_machine(self):
        for seed, machine in enumerate(MACHINES, 1):
            for words in ("", ",sector=4096"):
                big = self.disk("big.img", 16 << 20)
                said = self.conforms(
                    self.kernel(
                        *SUITE["kvm"],
                        "--machine",
                        machine,
                        "--disk",
                        f"{big}{words}",
                        "--disk",
                        self.small,
                        "--",
                        f"--seed={seed}",
                    )
                )
                self.assertIn("sizes: 16777216 and 1048576\n", said, machine)
                self.assertNotEqual(big.read_bytes(), bytes(16 << 20))


class Refusals(BlockTest):
    def wrong(self, words, *disks, line):
        done = self.run_fata(
            "run",
            *words,
            *(["--accel", "tcg"] if "kvm" in words else []),
            *[word for disk in disks for word in ("--disk", disk)],
            status=64,
        )
        said = [
            text
            for text in (done.stdout + done.stderr).replace("\r", "").splitlines()
            if not LOG.match(text)
        ]
        self.assertEqual(len(said), 1, said)
        self.assertRegex(said[0], line)

    def test_a_missing_disk(self):
        self.wrong(
            SUITE["linux"],
            line=(
                r"^block-suite: cannot set up the disk 'disk' \(--disk\): disk: no file is named;"
                r" make"
            ),
        )
        self.wrong(
            SUITE["linux"],
            self.small,
            line=(
                r"^block-suite: cannot set up the disk 'other' \(--other\): disk: no file is named;"
                r" make"
            ),
        )
        self.wrong(
            SUITE["kvm"],
            line=(
                "^block-suite: cannot set up disk 1, 'disk': virtio-blk: .+: fata run --disk FILE$"
            ),
        )
        self.wrong(
            SUITE["kvm"],
            self.small,
            line="^block-suite: cannot set up disk 2, 'other': virtio-blk: .+ --disk FILE$",
        )

    def test_a_disk_too_many(self):
        for target in ("linux", "kvm"):
            self.wrong(
                BLOCK[target],
                self.small,
                self.small,
                line="^fata: --disk: 2 are given, and the application has 1: disk$",
            )

    def test_what_is_no_disk(self):
        odd, empty, nothing = (
            self.disk("odd.img", 1000),
            self.disk("empty.img", 0),
            self.folder / "nothing.img",
        )
        for target, before in (
            ("linux", "^block: cannot set up the disk 'disk' \\(--disk\\): disk: .*"),
            ("kvm", "^fata: --disk: .*"),
        ):
            self.wrong(
                BLOCK[target],
                nothing,
                line=before + "no such file; make one with: truncate -s 64M ",
            )
            self.wrong(
                BLOCK[target], self.folder, line=before + "neither a file nor a block device$"
            )
            self.wrong(
                BLOCK[target], empty, line=before + "empty; give it a size with: truncate -s 64M "
            )
            self.wrong(BLOCK[target], odd, line=before + "fix it with: truncate -s %4096 ")
            self.wrong(BLOCK[target], f"{self.small},rw", line=",ro( and)? ,direct")

    def test_a_disk_that_is_in_use(self):
        """The disk is in use by a process or by a guest. Even a read-only user is refused."""
        for holder in ("linux", "kvm"):
            with self.running(holder, self.small):
                self.wrong(
                    BLOCK["linux"],
                    self.small,
                    line=r"disk: \S+: the file is in use by another process or a guest",
                )
                self.wrong(
                    BLOCK["linux"],
                    f"{self.small},ro",
                    line=r"disk: \S+: the file is in use by another process or a guest",
                )
                self.wrong(
                    BLOCK["kvm"], self.small, line="^fata: --disk: .+ is in use by another process$"
                )
        self.run_fata("run", *BLOCK["linux"], "--disk", self.small)

    def running(self, target, disk):
        return Running(self, target, disk)


class Running:
    """The lottery example, running from its draw on."""

    def __init__(self, test, target, disk):
        self.test, self.target = test, target
        accel = ["--accel", "tcg"] if target == "kvm" else []
        self.line = [
            *FATA,
            "run",
            *map(str, LOTTERY[target]),
            *accel,
            "--disk",
            str(disk),
            "--",
            "--wait=on",
        ]

    def __enter__(self):
        self.process = subprocess.Popen(
            self.line,
            text=True,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.said = []
        for line in self.process.stdout:
            self.said.append(line.strip())
            if line.strip() == "kept":
                return self
        self.test.fail("".join(self.said) + self.process.stderr.read())

    def kill(self):
        """Kills like a power failure: no process writes any more data."""
        children = (
            pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
            .read_text()
            .split()
        )
        for child in map(int, children):  # QEMU
            os.kill(child, signal.SIGKILL)
        if not children:
            self.process.kill()

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


class Kills(BlockTest):
    def test_what_was_flushed_is_there_afterwards(self):
        for target in ("linux", "kvm"):
            disk = self.disk("kept.img", 64 << 10)
            drawn = []
            for draw in range(1, 5):
                with Running(self, target, disk) as one:
                    line = next(text for text in one.said if text.startswith("slot"))
                    told = re.match(
                        r"slot 0, draw (\d+): (\d+)(?:; before: ([\d, ]+))?(; you win)?$", line
                    )
                    self.assertTrue(told, line)
                    self.assertEqual(int(told[1]), draw)
                    self.assertEqual([int(n) for n in (told[3] or "").split(", ") if n], drawn)
                    drawn.insert(0, int(told[2]))
                    one.kill()
                    one.process.wait()


class Host(BlockTest):
    """QEMU's command line as `fata run` writes it, with another disk in it."""

    def qemu(self, change, status, machine="microvm"):
        line = self.run_fata(
            "run",
            *BLOCK["kvm"],
            "--accel",
            "tcg",
            "--machine",
            machine,
            "--disk",
            self.small,
            "--dry-run",
        ).stdout
        changed = change(line)
        self.assertNotEqual(line, changed)
        done = subprocess.run(
            shlex.split(changed),
            text=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )
        self.assertEqual(done.returncode, 2 * status + 3, done.stdout + done.stderr)
        return done.stdout.replace("\r", "")

    def test_a_disk_that_writes_through_is_said_to(self):
        said = self.qemu(
            lambda line: line.replace("cache=writeback", "cache=writethrough").replace(
                "drive=disk0", "drive=disk0,config-wce=off"
            ),
            0,
        )
        self.assertIn(
            "no flush: every write is taken to be stable when it ends (write-through)", said
        )
        self.assertIn("uncached", said)
        self.assertIn("flushed\n", said)

    def failing(self, event, number=5):
        """Runs QEMU with a disk whose file fails at `event` with the errno `number`."""
        conf = self.folder / "blkdebug.conf"
        conf.write_text(f'[inject-error]\nevent = "{event}"\nerrno = "{number}"\n')
        return self.qemu(
            lambda line: line.replace(
                f"file={self.small}",
                f"file.driver=blkdebug,file.config={conf},file.image.filename={self.small}",
            ),
            1,
        )

    def test_an_input_output_error_is_a_value(self):
        self.assertRegex(self.failing("read_aio"), r"error block: block: input/output error \(1\)")
        self.assertRegex(
            self.failing("write_aio"),
            r"error block: sectors \d+ to \d+: block: input/output error \(1\)",
        )
        self.assertRegex(
            self.failing("flush_to_disk"),
            r"error block: block: a flush has failed, .+ may be lost \(1\)",
        )

    def test_a_host_that_has_no_space_left_does_not_stop_the_guest(self):
        self.assertIn("input/output error", self.failing("write_aio", 28))

    def test_a_legacy_disk_is_refused(self):
        said = self.qemu(
            lambda line: line.replace("-global virtio-mmio.force-legacy=false", ""), 64
        )
        self.assertIn(
            (
                "block: cannot set up disk 1, 'disk': virtio: a legacy device; this driver needs"
                " virtio 1.x"
            ),
            said,
        )

    def test_a_queue_of_four_descriptors_has_one_request_under_way(self):
        said = self.qemu(
            lambda line: line.replace("virtio-blk-pci,", "virtio-blk-pci,queue-size=4,"),
            0,
            machine="q35",
        )
        self.assertIn("up to 1 requests of", said)


if __name__ == "__main__":
    unittest.main()
