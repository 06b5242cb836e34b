"""Every tutorial example runs on a target with the expected output:  tutorial_test.py linux|kvm"""
import sys
import unittest

from fata import BUILD, FataTest

TARGET = sys.argv.pop(1) if len(sys.argv) > 1 else "linux"


class Tutorial(FataTest):
    def run_example(self, name, *parameters, status=0):
        done = self.run_fata(
            "run",
            f"examples/tutorial/{name}",
            "-t",
            TARGET,
            "--build-dir",
            BUILD / f"{name}-{TARGET}",
            "--",
            *parameters,
            status=status,
        )
        # A kernel logs to standard output, a process to standard error.
        self.log = done.stdout.replace("\r", "") if TARGET == "kvm" else done.stderr
        return done.stdout.replace("\r", "")

    def test_noop(self):
        self.assertEqual(self.run_example("noop"), "")

    def test_hello(self):
        self.run_example("hello")
        lines = [line for line in self.log.splitlines() if line.startswith("[")]
        self.assertEqual([line.split("] ")[1] for line in lines], ["info hello: hello"] * 4)
        times = [float(line[1:].split("]")[0]) for line in lines]
        for earlier, later in zip(times, times[1:]):
            self.assertGreater(later - earlier, 0.9)

    def test_hello_logs_as_it_is_told(self):
        self.run_example("hello", "--log=hello:error")
        self.assertNotIn("hello: hello", self.log)

    def test_hello_key(self):
        self.assertEqual(
            self.run_example(
                "hello-key", "--times=2", "--pause", "10ms", '--greeting=say "hi" \\o/'
            ),
            'say "hi" \\o/, world!\n' * 2,
        )

    def test_hello_key_explains_and_refuses(self):
        self.assertIn(
            "  --greeting  what to say (a text; default Hello)\n",
            self.run_example("hello-key", "--help", status=63),
        )
        self.assertEqual(
            self.run_example("hello-key", "--times=many", status=64),
            "hello-key: --times takes a number from 0 to 65535, not 'many'\n",
        )

    def test_timers(self):
        lines = self.run_example("timers").splitlines()
        self.assertEqual(
            [line for line in lines if line in ("heads", "tails", "finished")],
            ["heads", "tails", "finished"],
        )
        self.assertEqual(
            [line for line in lines if "wait" in line or "answer" in line],
            ["gave up waiting", "answered in time"],
        )

    def test_local_library(self):
        self.assertEqual(self.run_example("local-library"), "12 words, 38 bytes, squeezed 28\n")


if __name__ == "__main__":
    unittest.main()
