"""The fata command's output: compiler messages alone, relative paths, colours, short answers."""
import json
import os
import shutil
import subprocess
import unittest

from fata import BUILD, FATA, LONG, PROCESSES, ROOT, FataTest
from terminal import on_terminal

NOOP = "examples/tutorial/noop"
ESCAPE = "\x1b["


class Errors(FataTest):
    def broken(self):
        self.run_fata("new", "app", cwd=self.folder)
        source = self.folder / "app/app.hpp"
        source.write_text(source.read_text().replace("co_return 0;", "co_return nothing;"))

    def test_of_a_source_are_the_compilers_lines_alone(self):
        self.broken()
        lines = self.run_fata("build", "app", cwd=self.folder, status=1).stderr.splitlines()
        lines = [
            line for line in lines if not line.startswith(("fata: configuring ", "fata: building "))
        ] + lines[-1:]
        self.assertRegex(lines[0], r"^In file included from app/\.fata/linux/main\.cpp:\d+:$")
        self.assertEqual(
            lines[1], "app/app.hpp:20:15: error: use of undeclared identifier 'nothing'"
        )
        self.assertEqual(
            lines[-2:],
            ["1 error generated.", "fata: building app for linux failed; -v shows every command"],
        )
        self.assertLess(max(map(len, lines)), 120)

    def test_name_files_as_seen_from_here(self):
        self.broken()
        (self.folder / "elsewhere").mkdir()
        for here, app, shown in (
            (".", "app", "app/"),
            ("app", ".", ""),
            ("elsewhere", "../app", "../app/"),
            (".", "app/", "app/"),
            (".", "./app", "app/"),
            ("/", self.folder / "app", f"{self.folder}/app/"),
        ):
            with self.subTest(here=here, app=app):
                done = self.run_fata("build", app, cwd=self.folder / here, status=1)
                self.assertIn(f"\n{shown}app.hpp:20:15: error: ", done.stderr)
                self.assertIn(f"In file included from {shown}.fata/linux/main.cpp:", done.stderr)

    def test_of_a_config_name_it_as_seen_from_here(self):
        self.run_fata("new", "app", cwd=self.folder)
        config = self.folder / "app/config.cpp"
        config.write_text(
            '#include "own.hpp"\n' + config.read_text().replace("plan.run(", "plan.rum(")
        )
        (self.folder / "app/own.hpp").write_text("int twice(int x) { return 2 * y; }\n")
        done = self.run_fata("build", "app", cwd=self.folder, status=64)
        self.assertRegex(done.stderr, r"(?m)^app/config\.cpp:10:8: error: no member named 'rum'")
        self.assertRegex(
            done.stderr, r"(?m)^app/own\.hpp:1:31: error: use of undeclared identifier 'y'"
        )
        self.assertIn("\nfata: compiling app/config.cpp failed", done.stderr)

    def test_name_the_config_of_devices_that_do_not_fit(self):
        self.run_fata("new", "app", cwd=self.folder)
        source = self.folder / "app/app.hpp"
        source.write_text(source.read_text().replace("start()", "begin()"))
        done = self.run_fata("build", "app", cwd=self.folder, status=1)
        self.assertRegex(
            done.stderr,
            r"(?m)^app/config\.cpp:9:15: error: static assertion failed: "
            r".* does not model fata::sig::Job",
        )

    def test_are_shown_with_their_command_if_asked_for(self):
        self.broken()
        done = self.run_fata("build", "app", "-v", cwd=self.folder, status=1)
        self.assertRegex(done.stderr, r"clang\+\+-19 .* -c .*main\.cpp")
        self.assertTrue(
            done.stderr.endswith("fata: building app for linux failed\n"), done.stderr[-200:]
        )

    def test_are_coloured_where_that_is_wanted(self):
        self.broken()
        config = self.folder / "app/config.cpp"
        text = config.read_text()
        for broken in (text, text.replace("plan.run(", "plan.rum(")):
            config.write_text(broken)
            cases = (
                ({}, False),
                ({"CLICOLOR_FORCE": "1"}, True),
                ({"CLICOLOR_FORCE": "0"}, False),
                ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False),
                ({"NO_COLOR": ""}, False),
            )
            for variables, wanted in cases if LONG or broken == text else cases[:2]:
                with self.subTest(variables=variables, config=broken != text):
                    done = subprocess.run(
                        [*FATA, "build", "app"],
                        cwd=self.folder,
                        env={**os.environ, **variables},
                        text=True,
                        capture_output=True,
                    )
                    self.assertEqual(ESCAPE in done.stderr, wanted, done.stderr)
                    self.assertIn("app/", done.stderr)

    def on_a_terminal(self, *words, **variables):
        return on_terminal([*FATA, *words], cwd=self.folder, env=variables)[1]

    def test_on_a_terminal_are_coloured_below_a_line_that_moves_and_on_a_dumb_one_plain(self):
        self.broken()
        shown = self.on_a_terminal("build", "app")
        self.assertIn("\r\x1b[K", shown)
        self.assertIn("\x1b[1mapp/app.hpp:20:15:", shown)
        shown = self.on_a_terminal("build", "app", NO_COLOR="1")
        self.assertNotRegex(shown, r"\x1b\[[0-9;]*m")
        shutil.rmtree(self.folder / "app/.fata")
        self.assertNotIn("\x1b", self.on_a_terminal("build", "app", TERM="dumb"))


class Answers(FataTest):
    def test_build_says_where_and_how_large_alone(self):
        lines = self.run_fata(
            "build", NOOP, "--build-dir", BUILD / "noop-linux"
        ).stdout.splitlines()
        self.assertEqual(lines[0], f"{BUILD}/noop-linux/build/noop")
        self.assertRegex(lines[1], r"^ *\d+ bytes, stripped$")
        self.assertEqual(len(lines), 2)

    def test_the_map_counts_an_applications_templates_as_its_own(self):
        self.run_fata("new", "app", cwd=self.folder)
        self.assertLess(self.part_of("app", "application"), 3000)
        source = self.folder / "app/app.hpp"
        source.write_text(
            source.read_text().replace(
                "  fata::async::Task<int> start() {",
                """  template <int N>
  [[gnu::noinline]] void more() {
    asm volatile(".skip 100, 0x90");
    if constexpr (N > 0) more<N - 1>();
  }
  fata::async::Task<int> start() {
    more<100>();""",
            )
        )
        self.assertGreater(self.part_of("app", "application"), 10000)
        self.assertLess(self.part_of("app", "main (generated)"), 10000)

    def test_the_map_counts_a_main_of_the_applications_own_as_the_applications(self):
        self.run_fata("new", "app", cwd=self.folder)
        before = self.part_of("app", "application")
        (self.folder / "app/main.cpp").write_text(
            '[[gnu::used, gnu::retain]] static char own[5000] = "x";\n'
        )
        self.assertGreaterEqual(self.part_of("app", "application"), before + 5000)

    def part_of(self, app, name):
        sizes = json.loads(self.run_fata("query", app, "size", "--json", cwd=self.folder).stdout)
        return sizes["libraries"][name]

    def test_describe_as_json(self):
        facts = json.loads(
            self.run_fata(
                "describe",
                "apps/dns",
                "--net",
                "direct",
                "--json",
                "--build-dir",
                BUILD / "dns-direct",
            ).stdout
        )
        self.assertEqual((facts["name"], facts["target"], facts["net"]), ("dns", "linux", "direct"))
        by_name = {device["name"]: device for device in facts["devices"]}
        self.assertEqual(len(by_name), len(facts["devices"]))
        (job,) = facts["jobs"]
        self.assertEqual(by_name[job]["kind"], "Job")
        for device in by_name.values():
            for argument in device["arguments"]:
                self.assertEqual(len(argument), 1)
                self.assertIn(argument.get("device", job), by_name)
        self.assertIn("port", [parameter["name"] for parameter in facts["parameters"]])

    def test_a_graph_names_stacks_and_kinds(self):
        text = self.run_fata(
            "describe", "apps/dns", "--net", "direct", "--dot", "--build-dir", BUILD / "dns-direct"
        ).stdout
        self.assertNotIn("Bundle", text)
        self.assertIn('[label="Stack"]', text)
        self.assertIn('[label="udp\\nUdp"]', text)

    def test_the_command_and_the_script_name_one_version(self):
        tool = ROOT / "build" / PROCESSES / "tool/fata"
        said = subprocess.run([tool, "--version"], text=True, capture_output=True).stdout
        self.assertEqual(said, self.run_fata("--version").stdout)
        self.assertRegex(said, r"^\d+\.\d+\.\d+( \([0-9a-f]{7,}\))?\n$")

    def test_why_kvm_is_not_used_is_said_once(self):
        words = ["run", NOOP, "-t", "kvm", "--build-dir", BUILD / "noop-kvm", "--dry-run"]
        cache = {"XDG_CACHE_HOME": str(self.folder)}
        self.run_fata("build", NOOP, "-t", "kvm", "--build-dir", BUILD / "noop-kvm")
        first = self.run_fata(*words, env=cache)
        if "-accel kvm" in first.stdout:
            self.skipTest("KVM works on this machine")
        self.assertRegex(
            first.stderr,
            r"^fata: running on TCG, because KVM cannot be used: .+ "
            r"\(--accel kvm forces it; said once\)\n$",
        )
        self.assertEqual(self.run_fata(*words, env=cache).stderr, "")
        self.assertEqual(self.run_fata(*words, "--accel", "tcg", env=cache).stderr, "")

    def test_without_a_home_all_works(self):
        app = "examples/tutorial/hello"
        for variables in (
            {"HOME": "/nonexistent"},
            {"HOME": "/proc"},
            {"HOME": "", "XDG_CACHE_HOME": "relative"},
        ):
            with self.subTest(variables=variables):
                self.run_fata(
                    "run", app, "-t", "kvm", "--build-dir", BUILD / "hello-homeless", env=variables
                )


class Debugging(FataTest):
    def test_a_process_without_gdbserver_runs_below_gdb(self):
        if shutil.which("gdbserver"):
            self.skipTest("gdbserver is installed")
        self.run_fata("new", "hello", cwd=self.folder)
        words = ["run", self.folder / "hello", "--gdb"]
        line = self.run_fata(*words, "--dry-run", "--", "--greeting=a b").stdout
        self.assertRegex(
            line, r"^gdb -ex 'directory [^']+' --args \S+/build/hello '--greeting=a b'$"
        )
        done = subprocess.run(
            [*FATA, *map(str, words), "--", "--greeting=a b"],
            cwd=ROOT,
            text=True,
            capture_output=True,
            input="break fata::image_main\nrun\nlist\ncontinue\nquit\n",
            timeout=120,
        )
        # gdb stops at the first line, into which the compiler may have put the frame's allocation.
        self.assertRegex(done.stdout, r"Breakpoint 1 at \w+: file \S*/main\.cpp, line \d+")
        self.assertRegex(done.stdout, r"Breakpoint 1, .*\n\s+at |Breakpoint 1, fata::image_main")
        self.assertIn("a b from hello!", done.stdout)


if __name__ == "__main__":
    unittest.main()
