"""Runs the fata command for tests, and shows the command line when an expectation fails."""
import contextlib
import fcntl
import hashlib
import os
import pathlib
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FATA = [str(ROOT / "fata"), "--no-install"]
ARCH = platform.machine()
QEMU = f"qemu-system-{ARCH}"
# The build trees of the libraries, and of the command, in a clone's build folder.
PROCESSES = f"process-{ARCH}"
KERNELS = f"kernel-{ARCH}"
# Set by `./fata test --long`: a test of many combinations then tries all of them, otherwise each
# member once; and tests marked @long run.
LONG = "FATA_TEST_LONG" in os.environ
long = unittest.skipUnless(LONG, "takes long; ./fata test --long runs it")
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


def own_folder(name):
    """An empty folder with the same path in each run of this tree, so that the compiler's cache
    knows what is built in it; None if another run uses it. Also returns the lock on the folder.
    """
    key = hashlib.sha256(f"{BUILD}\0{sys.argv[0]}\0{name}".encode()).hexdigest()[:8]
    folder = pathlib.Path(tempfile.gettempdir(), f"fata-test-{key}")
    with contextlib.ExitStack() as opened, contextlib.suppress(OSError):
        folder.mkdir(mode=0o700, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        opened.callback(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        status = os.fstat(lock)
        # A run that has just ended may have removed the folder before it was locked here.
        if status.st_uid == os.geteuid() and os.path.samestat(status, os.lstat(folder)):
            for left in folder.iterdir():
                shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
            opened.pop_all()
            return folder, lock
    return None, None


class FataTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder, lock = own_folder(self.id())
        if lock is None:
            self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fata-test-"))
        else:
            self.addCleanup(os.close, lock)
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
