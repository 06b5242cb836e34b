"""Wiring errors are compile errors at their line of config.cpp, with a message that explains the
error.
"""
import itertools
import pathlib
import shlex
import subprocess
import tempfile
import unittest

from fata import FataTest, fata

# Line 7 is the faulty one; without it, this compiles.
CONFIG = """#include <fata/config.hpp>
using namespace fata::config;
Plan plan(const Context& context) {{
  auto stack = default_stack(context);
  auto port = parameter("port", std::uint16_t{{53}}, "");
  auto server = functor<Job(Udp, Tcp)>("a::Server", "server.hpp");
  {line}
  return Plan("x").run(server(stack.udp, stack.tcp, port, 3, "text"));
}}
"""
WRONG_KIND = (
    "a device of the wrong kind, or an argument that is neither a parameter nor a plain value"
)
WRONG_COUNT = "this functor was given more or fewer devices than its signature"


class Wiring(FataTest):
    @classmethod
    def setUpClass(cls):
        """The folders of headers that the command itself passes to the compiler."""
        with tempfile.TemporaryDirectory(prefix="fata-test-") as folder:
            config = pathlib.Path(folder, "config.cpp")
            config.write_text(CONFIG.format(line=""))
            done = fata("configure", folder, "--verbose")
        line = next(line for line in done.stderr.splitlines() if " -c config.cpp " in line)
        words = shlex.split(line)
        cls.headers = [f"-I{path}" for word, path in itertools.pairwise(words) if word == "-I"]

    def compile(self, line):
        source = self.folder / "config.cpp"
        source.write_text(CONFIG.format(line=line))
        return subprocess.run(
            [
                "clang++-19",
                "-std=c++23",
                "-stdlib=libc++",
                "-Wall",
                "-Wextra",
                "-fsyntax-only",
                *self.headers,
                "config.cpp",
            ],
            cwd=self.folder,
            text=True,
            capture_output=True,
        )

    def refuses(self, line, message):
        done = self.compile(line)
        self.assertNotEqual(done.returncode, 0, line)
        errors = [text for text in done.stderr.splitlines() if ": error: " in text]
        self.assertTrue(all(text.startswith("config.cpp:7:") for text in errors), errors)
        self.assertTrue(any(message in text for text in errors), errors)

    def test_right_wiring_compiles(self):
        done = self.compile("")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_two_devices_exchanged(self):
        self.refuses("server(stack.tcp, stack.udp, port);", WRONG_KIND)

    def test_a_device_of_another_kind(self):
        self.refuses("server(stack.udp, default_console(), port);", WRONG_KIND)

    def test_a_device_too_few(self):
        self.refuses("server(stack.udp, port);", WRONG_COUNT)

    def test_a_device_too_many(self):
        self.refuses("server(stack.udp, stack.tcp, stack.tcp);", WRONG_COUNT)

    def test_a_parameter_before_the_devices(self):
        self.refuses("server(port, stack.udp, stack.tcp);", WRONG_KIND)

    def test_something_that_is_no_argument(self):
        self.refuses("struct Thing {} thing; server(stack.udp, stack.tcp, thing);", WRONG_KIND)

    def test_a_device_that_is_no_job(self):
        self.refuses(
            'Plan("y").run(default_console());', "from 'Device<Console>' to 'const Device<Job>'"
        )

    def test_a_port_that_is_no_port(self):
        self.refuses(
            'Plan("y").forward(Protocol::kUdp, parameter("name", "text", ""));',
            "no viable conversion",
        )

    def test_a_functor_over_something_that_is_no_device(self):
        self.refuses(
            'functor<Job(int)>("a::B", "b.hpp");', "no matching function for call to 'functor'"
        )


if __name__ == "__main__":
    unittest.main()
