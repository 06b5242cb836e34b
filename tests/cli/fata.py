"""Runs the fata command for tests, and shows the command line when an expectation fails."""
import os
import pathlib
import platform
import resource
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FATA = [str(ROOT / "fata"), "--no-install"]
ARCH = platform.machine()
QEMU = f"qemu-system-{ARCH}"
# The build trees of the libraries, and of the command, in a clone's build folder.
PROCESSES = f"process-{ARCH}"
KERNELS = f"kernel-{ARCH}"
# Where applications are built. Kept between runs, so that later builds are quick.
BUILD = pathlib.Path(os.environ.get("FATA_TEST_BUILD", tempfile.gettempdir() + "/fata-tests"))


def fata(*words, cwd=ROOT, env=None, timeout=400, command=None):
    line = (command or FATA) + [str(word) for word in words]
    return subprocess.run(
        line,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        timeout=timeout,
        text=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )


def last_answer(shown):
    """The output of dig without its lines about late answers and retries."""
    return "".join(
        line
        for line in shown.splitlines(keepends=True)
        if not line.startswith(";; communications error")
    )


def cpu_seconds():
    """Processor time of all children that have ended. A busy machine does not increase it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class FataTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fata-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def run_fata(self, *words, status=0, **options):
        done = fata(*words, **options)
        self.assertEqual(
            done.returncode, status, f"{words}\nstdout: {done.stdout}\nstderr: {done.stderr}"
        )
        return done

    def refused(self, line, *words, **options):
        """The command ends with status 64 and prints only this line."""
        done = self.run_fata(*words, status=64, **options)
        self.assertEqual((done.stdout, done.stderr.strip()), ("", line))

    def application(self, name, **files):
        """Makes a folder with these files: config_cpp='...' becomes config.cpp."""
        folder = self.folder / name
        folder.mkdir()
        for file, text in files.items():
            head, _, extension = file.rpartition("_")
            (folder / f"{head}.{extension}").write_text(text)
        return folder
