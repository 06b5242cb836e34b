"""`fata new`: its templates, its names, and the current folder; C++ names in a plan."""
import os
import signal
import socket
import subprocess
import unittest

from fata import FATA, LONG, FataTest

NAME = "a name is lower case letters, digits and hyphens"
HYPHEN = "a name neither ends in a hyphen nor has two in a row"
CMAKE = "CMake uses this name itself; choose another"
REFUSED = {
    "Bad_Name": NAME,
    "": NAME,
    "1st": NAME,
    "-x": None,
    "über": NAME,
    "a b": NAME,
    "a.b": NAME,
    "x-": HYPHEN,
    "a--b": HYPHEN,
    "all": CMAKE,
    "clean": CMAKE,
    "help": CMAKE,
    "install": CMAKE,
    "preinstall": CMAKE,
    "a" * 64: "a name has at most 63 characters",
}
# Each name is a trap: a keyword, a macro, a template parameter or variable of the generated code, a
# target, or a file of the build.
ODD = ["class", "test", "std", "console", "parameters", "stripped", "config", "a" * 63]
KEYWORDS = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t class co_await
co_return compl concept const consteval constexpr constinit continue decltype default delete do
double else enum explicit export extern false float for friend goto if inline int long mutable
namespace new noexcept not nullptr operator or private protected public register requires return
short signed sizeof static struct switch template this throw true try typedef typeid typename union
unsigned using virtual void volatile wchar_t while xor errno stdin stdout linux unix context
parameters table status image run fata std
""".split()


class Names(FataTest):
    def test_impossible_ones_are_refused_in_one_line(self):
        for name, why in REFUSED.items():
            with self.subTest(name=name):
                done = self.run_fata("new", name, cwd=self.folder, status=64)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                if why:
                    self.assertEqual(done.stderr, f"fata: fata new '{name}': {why}\n")
        self.assertEqual(os.listdir(self.folder), [])

    def test_odd_ones_work(self):
        for name in ODD if LONG else ODD[::3]:
            with self.subTest(name=name):
                self.run_fata("new", name, cwd=self.folder)
                self.assertEqual(
                    self.run_fata("run", name, cwd=self.folder).stdout, f"Hello from {name}!\n"
                )
                self.run_fata("query", name, "size", cwd=self.folder)
        self.assertEqual(
            self.run_fata(
                "run", "class", "-t", "kvm", "--accel", "tcg", cwd=self.folder
            ).stdout.replace("\r", ""),
            "Hello from class!\n",
        )

    def test_classes_and_parameters_with_the_names_of_keywords(self):
        """One job for each keyword, all in one image."""
        chosen = KEYWORDS[::2] + ["class"]  # an image takes at most 64 parameters

        def parameter(word):
            name = word.replace("_", "-")
            return f'parameter("{name}", true, "")' if word in chosen else "true"

        camel = {"".join(part.capitalize() for part in word.split("_")): word for word in KEYWORDS}
        jobs = "\n".join(
            f'  plan.run(functor<Job()>("odd::{name}", "odd.hpp")({parameter(word)}));'
            for name, word in camel.items()
        )
        config = (
            "#include <fata/config.hpp>\nusing namespace fata::config;\n"
            "Plan plan(const Context&) {\n"
            f'  Plan plan("odd");\n{jobs}\n  return plan;\n}}\n'
        )
        classes = "\n".join(
            f"struct {name} {{ {name}(fata::async::Context&, bool v) : value(v) {{}}\n"
            "  fata::async::Task<int> start() { co_return value ? 0 : 1; }\n  bool value; };"
            for name in camel
        )
        app = self.application(
            "odd",
            config_cpp=config,
            odd_hpp=(
                "#pragma once\n"
                "#include <fata/async/context.hpp>\n#include <fata/async/task.hpp>\n"
                f"namespace odd {{\n{classes}\n}}\n"
            ),
        )
        self.run_fata("run", app)
        self.run_fata("run", app, "--", "--class=false", status=1)

    def test_more_parameters_than_an_image_takes(self):
        jobs = "".join(
            f'  plan.run(functor<Job()>("a::A", "a.hpp")(parameter("p{i}", true, "")));\n'
            for i in range(64)
        )
        config = "#include <fata/config.hpp>\nusing namespace fata::config;\n"
        config += 'Plan plan(const Context&) {\n  Plan plan("a");\n' + jobs + "  return plan;\n}\n"
        self.refused_in_config(
            "fata: config.cpp:4: the plan has 66 parameters, and an image takes at most 64", config
        )

    def test_two_types_whose_variables_would_have_one_alias(self):
        config = """#include <fata/config.hpp>
using namespace fata::config;
Plan plan(const Context&) {
  Plan plan("twins");
  for (const char* type : {"twins::Net", "twins::Net2", "twins::Net"})
    plan.run(functor<Job()>(type, "twins.hpp")());
  return plan;
}
"""
        source = """#pragma once
#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
namespace twins {
struct Net {
  explicit Net(fata::async::Context&) {}
  fata::async::Task<int> start() { co_return 0; }
};
struct Net2 {
  explicit Net2(fata::async::Context&) {}
  fata::async::Task<int> start() { co_return 0; }
};
}
"""
        self.run_fata("run", self.application("twins", config_cpp=config, twins_hpp=source))

    def test_a_target_of_cmake_is_no_image_either(self):
        config = "#include <fata/config.hpp>\nusing namespace fata::config;\n"
        config += 'Plan plan(const Context&) { return Plan("all"); }\n'
        self.refused_in_config(
            "fata: config.cpp:3: 'all' cannot be an image's name: CMake uses it itself", config
        )

    def refused_in_config(self, line, config):
        done = self.run_fata("configure", self.application("app", config_cpp=config), status=64)
        self.assertEqual(done.stderr.strip().splitlines()[-1], line)


class Folders(FataTest):
    def test_the_current_one(self):
        here = self.folder / "my-app"
        here.mkdir()
        (here / ".gitignore").write_text("*.o")
        self.run_fata("new", ".", cwd=here)
        self.assertEqual(sorted(os.listdir(here)), [".gitignore", "config.cpp", "my-app.hpp"])
        self.assertEqual((here / ".gitignore").read_text(), "*.o\n.fata/\n")
        self.assertEqual(self.run_fata("run", cwd=here).stdout, "Hello from my-app!\n")
        before = (here / "config.cpp").read_text()
        self.refused(
            "fata: fata new .: config.cpp exists already; nothing was written", "new", ".", cwd=here
        )
        self.assertEqual((here / "config.cpp").read_text(), before)

    def test_the_current_one_with_a_name_that_cannot_be_one(self):
        here = self.folder / "My App"
        here.mkdir()
        self.refused(
            "fata: fata new '.': its name 'My App' must be lower case letters, digits and hyphens",
            "new",
            ".",
            cwd=here,
        )
        self.assertEqual(os.listdir(here), [])

    def test_one_elsewhere(self):
        (self.folder / "a").mkdir()
        self.run_fata("new", "a/b/", cwd=self.folder)
        self.assertEqual(
            sorted(os.listdir(self.folder / "a/b")), [".gitignore", "b.hpp", "config.cpp"]
        )
        self.refused("fata: fata new c/d: there is no folder c", "new", "c/d", cwd=self.folder)
        self.refused(
            "fata: fata new a/b: a/b exists already; choose another name",
            "new",
            "a/b",
            cwd=self.folder,
        )


class Templates(FataTest):
    def made(self, kind):
        self.run_fata("new", "app", "--template", kind, cwd=self.folder)
        return self.folder / "app"

    def test_an_unknown_one(self):
        self.refused(
            "fata: fata new --template http: the templates are console, udp, tcp, block",
            "new",
            "app",
            "--template",
            "http",
            cwd=self.folder,
        )
        self.assertEqual(os.listdir(self.folder), [])

    def test_all_build_for_every_target(self):
        targets = (
            ["-t", "xen"],
            ["-t", "linux"],
            ["-t", "linux", "--net", "direct"],
            ["-t", "kvm"],
        )
        for kind, target in zip(("console", "udp", "tcp", "block"), targets):
            self.run_fata("new", kind, "--template", kind, cwd=self.folder)
            for words in targets if LONG else [target]:
                with self.subTest(kind=kind, words=words):
                    done = self.run_fata("build", kind, *words, cwd=self.folder)
                    self.assertNotIn("warning", done.stderr)

    def answers(self, kind, type):
        app = self.made(kind)
        with socket.socket(socket.AF_INET, type) as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        process = subprocess.Popen(
            [*FATA, "run", app, "--", f"--port={port}"],
            cwd=self.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        for line in process.stdout:
            if f"port {port}" in line:
                break
        with socket.socket(socket.AF_INET, type) as client:
            client.settimeout(20)
            client.connect(("127.0.0.1", port))
            for text in (b"one", b"two two"):
                client.send(text)
                self.assertEqual(client.recv(100), text)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=20), 0)

    def test_udp_answers(self):
        self.answers("udp", socket.SOCK_DGRAM)

    def test_tcp_answers(self):
        self.answers("tcp", socket.SOCK_STREAM)

    def test_block_counts_on_processes_and_kernels_alike(self):
        app = self.made("block")
        disk = self.folder / "disk, with words.img"
        with open(disk, "wb") as file:
            file.truncate(1 << 20)
        for number, target in enumerate(
            (["-t", "linux"], ["-t", "kvm", "--accel", "tcg"], ["-t", "linux"]), 1
        ):
            done = self.run_fata("run", app, *target, "--disk", disk)
            self.assertIn(f"start number {number}\n", done.stdout.replace("\r", ""))

    def test_a_process_names_the_disk_that_it_cannot_open(self):
        app = self.made("block")
        lines = self.run_fata("run", app, "--disk", "nowhere.img", status=64).stdout.splitlines()
        self.assertEqual(
            lines[-1],
            (
                "app: cannot set up the disk 'disk' (--disk): disk: nowhere.img: no such file; "
                "make one with: "
                "truncate -s 64M FILE"
            ),
        )
        lines = self.run_fata("run", app, status=64).stdout.splitlines()
        self.assertEqual(
            lines[-1],
            (
                "app: cannot set up the disk 'disk' (--disk): disk: no file is named; "
                "make one with `truncate -s 64M "
                "FILE` and name it: fata run --disk FILE"
            ),
        )


if __name__ == "__main__":
    unittest.main()
