"""The lab's command line: one guest, whose console and end are the command's own."""
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

import guests

HERE = pathlib.Path(__file__).parent
LAB = [sys.executable, str(HERE / "lab")]


class Run(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.stub = guests.stub(self.folder)
        subprocess.run([*LAB, "build"], check=True, stdout=subprocess.DEVNULL)

    def lab(self, *words):
        return subprocess.run([*LAB, *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180)

    def test_a_guest_that_crashes_ends_the_command_with_125_after_its_last_words(self):
        done = self.lab("run", "--kernel", self.stub, "--cmdline", 'crash "said" \\ so', "--memory", 16, "--save-console",
                        f"{self.folder}/said")
        self.assertEqual((done.stdout, done.stderr, done.returncode),
                         ('stub: crash "said" \\ so\n', "xen lab: the guest has ended: crash\n", 125))
        self.assertEqual(pathlib.Path(self.folder, "said").read_text(), done.stdout)

    def test_a_guest_that_powers_off_ends_it_with_0(self):
        config = pathlib.Path(self.folder) / "off.xl"
        config.write_text(guests.config("any", "stub", "poweroff"))
        done = self.lab("run", config)
        self.assertEqual((done.stdout, done.stderr, done.returncode), ("stub: poweroff\n", "", 0))

    def test_a_guest_that_does_not_heed_the_first_signal_is_destroyed_by_the_second(self):
        running = subprocess.Popen([*LAB, "run", "--kernel", self.stub, "--cmdline", "wait"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(running.kill)
        self.assertEqual(running.stdout.readline(), "stub: wait\n")
        for number in (signal.SIGTERM, signal.SIGINT):
            running.send_signal(number)
        out, errors = running.communicate(timeout=60)
        self.assertEqual((out, errors, running.returncode), ("", "xen lab: the guest did not shut down; it is destroyed\n", 70))

    def test_wrong_usage_is_said_before_anything_is_started(self):
        for words, line in ((["run"], "one of the arguments config --kernel is required"),
                            (["run", "--kernel", "/none"], "argument --kernel: there is no file /none"),
                            (["run", "--kernel", self.stub, "--forward", "udp:x"], "argument --forward: invalid forward value: 'udp:x'")):
            done = self.lab(*words)
            self.assertEqual((done.returncode, done.stderr.splitlines()[-1]), (64, f"lab run: error: {line}"))


if __name__ == "__main__":
    unittest.main()
