"""Images that attack their own sandbox, by system calls and through a ring, and normal operations
late in an image's life.
"""
import ctypes
import errno
import os
import platform
import re
import signal
import subprocess
import unittest

from fata import BUILD, FataTest
from refusing import refusing

PROBE = "tests/e2e/sandbox/probe"
DENIED = 125
LINE = re.compile(r"^sandbox: (.*)$", re.MULTILINE)
NEEDED_BY_NONE = "the system call {} is needed by no device of this image ({})"
WRONG_USE = "the system call {} with these arguments is not what {} needs it for"


def landlock_version():
    """The version of Landlock; 0 if this kernel has none."""
    libc = ctypes.CDLL(None, use_errno=True)
    create_ruleset = 444
    return max(0, libc.syscall(create_ruleset, None, 0, 1))


class Probe(FataTest):
    devices = "none"

    @classmethod
    def setUpClass(cls):
        if cls is Probe:
            raise unittest.SkipTest("a base")
        cls.words = [
            PROBE,
            "-D",
            f"with={cls.devices}",
            "--build-dir",
            BUILD / f"probe-{cls.devices}-linux",
        ]
        cls().run_fata("build", *cls.words)
        cls.image = cls().run_fata("query", *cls.words, "image").stdout.strip()
        if (
            subprocess.run(refusing("io_uring_setup") + ["true"], capture_output=True).returncode
            != 0
        ):
            raise unittest.SkipTest("this kernel has no seccomp")

    def run_image(self, *words, before=()):
        return subprocess.run(
            [*before, self.image, *map(str, words)],
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )

    def outcome(self, attack, *words):
        """The kernel's result for an attack that the image survives."""
        done = self.run_image(f"--attack={attack}", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("sandbox: ", done.stderr)
        return int(re.search(rf"probe: {attack}: (-?\d+)$", done.stderr, re.MULTILINE)[1])

    def denied(self, attack, line, *words):
        done = self.run_image(f"--attack={attack}", *words)
        self.assertEqual(LINE.findall(done.stderr), [line], done)
        self.assertEqual(done.returncode, DENIED)
        self.assertIn("/probe(", done.stderr)  # the backtrace
        self.assertNotIn(f"probe: {attack}: ", done.stderr)


class WithoutDevices(Probe):
    devices = "none"

    def test_a_call_that_nothing_needs_ends_the_process(self):
        for attack in (
            "openat",
            "connect",
            "execve",
            "clone",
            "ptrace",
            "kill",
            "io_uring_setup",
            "sendmsg",
            "openat2",
            "prctl",
            "getppid",
        ):
            with self.subTest(attack):
                self.denied(attack, NEEDED_BY_NONE.format(attack, "sandbox_probe::Probe"))
        for attack in ("socket-unix", "socket-raw", "socket-udp"):
            with self.subTest(attack):
                self.denied(attack, NEEDED_BY_NONE.format("socket", "sandbox_probe::Probe"))

    def test_threads_that_were_there_before_are_confined_too(self):
        self.denied("thread", NEEDED_BY_NONE.format("openat", "sandbox_probe::Probe"))
        self.assertGreater(self.outcome("thread", "--no-sandbox"), 2)

    def test_memory_does_not_become_code_and_signals_stay_ours(self):
        for attack in ("mmap", "mprotect", "tgkill", "rt_sigaction"):
            with self.subTest(attack):
                self.denied(attack, WRONG_USE.format(attack, "the process"))

    @unittest.skipUnless(platform.machine() == "x86_64", "x86-64 has several numberings")
    def test_no_other_numbering_of_calls_leads_around(self):
        self.denied("x32-numbering", NEEDED_BY_NONE.format(0x40000000 | 39, "sandbox_probe::Probe"))
        done = self.run_image("--attack=other-numbering")
        self.assertNotIn("probe: other-numbering: ", done.stderr)
        if done.returncode == DENIED:  # the kernel supports i386 system calls
            self.assertRegex(
                done.stderr,
                r"(?m)^(sandbox: a system call of another processor's numbering, 20|fatal: .*)$",
            )

    def test_a_copy_beyond_its_buffer_ends_the_process(self):
        for words in ((), ("--no-sandbox",)):
            done = self.run_image("--attack=overflow", *words)
            self.assertIn("buffer overflow detected", done.stderr)
            self.assertNotIn("sandbox: ", done.stderr)
            self.assertNotIn("probe: overflow: ", done.stderr)
            self.assertEqual(done.returncode, 125, done)  # as after any fatal signal

    def test_a_variable_that_was_not_set_holds_nothing_of_an_earlier_call(self):
        self.assertEqual(self.outcome("read-unset"), 0)
        # An exempt variable shows the secret, which proves that it was on the stack.
        self.assertGreater(self.outcome("read-unset-exempt"), 200)

    def test_all_of_it_is_done_without_a_sandbox(self):
        self.assertGreater(self.outcome("openat", "--no-sandbox"), 2)
        self.assertEqual(self.outcome("connect", "--no-sandbox"), -errno.ENOTSOCK)
        self.assertEqual(self.outcome("mprotect", "--no-sandbox"), 0)
        self.assertGreater(self.outcome("socket-udp", "--no-sandbox"), 2)
        self.assertEqual(self.run_image("--attack=execve", "--no-sandbox").returncode, 0)

    def test_an_image_that_behaves_notices_nothing(self):
        done = self.run_image("--attack=behave")
        self.assertEqual(
            (done.returncode, done.stdout), (0, "printed by a C library\n"), done.stderr
        )
        self.assertIn("probe: behave: 0\n", done.stderr)

    def test_a_kernel_without_seccomp_is_one_line_and_the_image_runs(self):
        done = self.run_image("--attack=openat", before=refusing("seccomp"))
        self.assertEqual(done.returncode, 0)
        self.assertRegex(
            done.stderr,
            r"(?m)^\[ *[0-9.]+\] warning sandbox: this kernel refuses seccomp, so all system calls"
            r" stay "
            r"allowed: os: Operation not permitted\n",
        )
        self.assertEqual(done.stderr.count("sandbox"), 1)

    def test_a_kernel_without_landlock_still_has_a_filter(self):
        done = self.run_image("--attack=openat", before=refusing("landlock_create_ruleset"))
        self.assertEqual(
            LINE.findall(done.stderr), [NEEDED_BY_NONE.format("openat", "sandbox_probe::Probe")]
        )
        self.assertEqual(done.returncode, DENIED)

    def test_a_crash_is_reported_as_ever(self):
        done = self.run_image("--attack=abort")
        self.assertEqual(done.returncode, DENIED)
        self.assertRegex(done.stderr, r"(?m)^fatal: Aborted at address ")
        self.assertIn("/probe(", done.stderr)

    def test_a_sigsys_from_outside_is_called_that(self):
        hello = ["examples/tutorial/hello", "--build-dir", BUILD / "hello-linux"]
        self.run_fata("build", *hello)
        image = self.run_fata("query", *hello, "image").stdout.strip()
        server = subprocess.Popen(
            [image], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.addCleanup(server.stderr.close)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.kill)
        for line in server.stderr:
            if "hello" in line:
                break
        server.send_signal(signal.SIGSYS)
        self.assertIn("sandbox: signal SIGSYS from outside\n", server.stderr.read())
        self.assertEqual(server.wait(20), DENIED)


class WithSockets(Probe):
    devices = "sockets"

    def test_sockets_are_those_that_the_devices_need(self):
        self.assertGreater(self.outcome("socket-udp"), 2)
        for attack in ("socket-unix", "socket-raw"):
            with self.subTest(attack):
                self.denied(attack, WRONG_USE.format("socket", "the host's UDP"))

    def test_an_image_that_only_listens_cannot_connect(self):
        self.denied("connect", WRONG_USE.format("connect", "the host's TCP"))
        self.denied("sendmsg", WRONG_USE.format("sendmsg", "the host's TCP"))

    def test_files_stay_shut(self):
        self.denied(
            "openat",
            NEEDED_BY_NONE.format(
                "openat", "the host's UDP, the host's TCP, sandbox_probe::SocketProbe"
            ),
        )


class WithAClient(Probe):
    devices = "client"

    def test_an_image_that_connects_may_connect(self):
        self.assertEqual(self.outcome("connect"), -errno.ENOTSOCK)
        self.denied("sendmsg", WRONG_USE.format("sendmsg", "the host's TCP"))
        self.denied(
            "openat", NEEDED_BY_NONE.format("openat", "the host's TCP, sandbox_probe::ClientProbe")
        )


class WithAFolder(Probe):
    devices = "folder"

    def setUp(self):
        super().setUp()
        (self.folder / "inside").write_text("12345")

    def test_the_folder_is_read_and_nothing_else(self):
        words = ["--folder", self.folder]
        done = self.run_image("--attack=none", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("probe: read inside, 5 bytes\n", done.stderr)
        self.denied(
            "openat",
            NEEDED_BY_NONE.format("openat", "the folder, sandbox_probe::FolderProbe"),
            *words,
        )

    @unittest.skipUnless(landlock_version(), "this kernel has no landlock")
    def test_landlock_ends_where_the_folder_does(self):
        words = ["--folder", self.folder]
        self.assertEqual(self.outcome("open-beyond", *words), -errno.EACCES)
        self.assertEqual(self.outcome("open-to-write", *words), -errno.EACCES)
        self.assertFalse((self.folder / "made-by-the-probe").exists())
        self.assertGreater(self.outcome("open-beyond", "--no-sandbox", *words), 2)
        self.assertGreater(self.outcome("open-to-write", "--no-sandbox", *words), 2)

    def test_by_no_other_descriptor(self):
        self.denied("openat2", WRONG_USE.format("openat2", "the folder"), "--folder", self.folder)


class WithADisk(Probe):
    devices = "disk"

    def setUp(self):
        super().setUp()
        self.disk = self.folder / "disk.img"
        with self.disk.open("wb") as file:
            file.truncate(1 << 20)

    def test_the_ring_does_what_a_disk_does_and_nothing_else(self):
        words = ["--disk", self.disk]
        self.assertEqual(self.outcome("ring-read", *words), 1)
        for attack in (
            "ring-openat",
            "ring-connect",
            "ring-socket",
            "ring-send",
            "ring-read-unregistered",
            "ring-linked",
        ):
            for more in ([], ["--no-sandbox"]):  # the rings are restricted either way
                with self.subTest(attack, more=more):
                    self.assertEqual(self.outcome(attack, *words, *more), -errno.EACCES)

    def test_nothing_can_be_registered_with_a_ring_that_runs(self):
        self.denied(
            "ring-register",
            WRONG_USE.format("io_uring_register", "the disk 'disk'"),
            "--disk",
            self.disk,
        )
        self.assertEqual(
            self.outcome("ring-register", "--disk", self.disk, "--no-sandbox"), -errno.EACCES
        )

    def test_a_disk_without_a_ring_is_confined_as_well(self):
        words = ["--disk", self.disk]
        plain = refusing("io_uring_setup")
        done = self.run_image("--attack=none", *words, before=plain)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("probe: none: 0\n", done.stderr)
        self.assertRegex(
            done.stderr, "disk: io_uring is not permitted .*: a thread reads and writes "
        )
        for attack in ("openat", "clone", "connect"):
            done = self.run_image(f"--attack={attack}", *words, before=plain)
            self.assertEqual(
                LINE.findall(done.stderr),
                [NEEDED_BY_NONE.format(attack, "the disk 'disk', sandbox_probe::RingProbe")],
            )

    def test_no_new_ring_and_no_file(self):
        for attack in ("io_uring_setup", "openat", "connect"):
            with self.subTest(attack):
                self.denied(
                    attack,
                    NEEDED_BY_NONE.format(attack, "the disk 'disk', sandbox_probe::RingProbe"),
                    "--disk",
                    self.disk,
                )


@unittest.skipUnless(os.geteuid() == 0, "only root makes a tap")
class WithANic(Probe):
    devices = "nic"
    # A separate namespace, in which no other program sends to the tap.
    in_a_network = (
        "unshare",
        "-n",
        "sh",
        "-c",
        (
            "sysctl -qw net.ipv6.conf.default.disable_ipv6=1; "
            'ip tuntap add fata0 mode tap vnet_hdr && ip link set fata0 up && exec "$@"'
        ),
        "sh",
    )

    def run_image(self, *words, before=()):
        return super().run_image(*words, before=(*self.in_a_network, *before))

    def test_the_ring_does_what_a_tap_does_and_nothing_else(self):
        self.assertEqual(self.outcome("ring-write-frame", "--tap=fata0"), 70)
        for attack in (
            "ring-openat",
            "ring-connect",
            "ring-socket",
            "ring-send",
            "ring-read-unregistered",
            "ring-linked",
        ):
            for more in ([], ["--no-sandbox"]):
                with self.subTest(attack, more=more):
                    self.assertEqual(self.outcome(attack, "--tap=fata0", *more), -errno.EACCES)

    def test_nothing_can_be_registered_and_no_other_call_is_allowed(self):
        done = self.run_image("--attack=ring-register", "--tap=fata0")
        self.assertEqual(
            LINE.findall(done.stderr), [WRONG_USE.format("io_uring_register", "the tap device")]
        )
        for before in ((), refusing("io_uring_setup")):
            for attack in ("openat", "connect", "io_uring_setup", "socket-udp"):
                with self.subTest(attack, before=before):
                    done = self.run_image(f"--attack={attack}", "--tap=fata0", before=before)
                    self.assertEqual(len(LINE.findall(done.stderr)), 1, done.stderr)
                    self.assertEqual(done.returncode, DENIED)


class WithALibrary(Probe):
    devices = "library"

    def test_what_config_cpp_declares_is_allowed(self):
        self.assertGreater(self.outcome("getppid"), 0)
        self.assertGreaterEqual(self.outcome("getuid"), 0)
        self.denied(
            "getgid", NEEDED_BY_NONE.format("getgid", "sandbox_probe::Probe, the library z")
        )


class Declarations(FataTest):
    def test_a_call_that_linux_does_not_have_is_one_line(self):
        folder = self.application(
            "wrong",
            config_cpp="""#include <fata/config.hpp>
using namespace fata::config;
Plan plan(const Context&) {
  Plan plan("wrong");
  plan.run(functor<Job()>("app::Job", "job.hpp").system_call("getppidd")());
  return plan;
}
""",
        )
        done = self.run_fata("configure", folder, status=64)
        self.assertRegex(
            done.stderr, r"^fata: \S*config\.cpp:5: 'getppidd' is no system call of Linux\n$"
        )


if __name__ == "__main__":
    unittest.main()
