"""From a folder with a config.cpp to a plan and an image."""
import json
import os
import pathlib
import signal
import subprocess
import unittest

from fata import BUILD, FATA, ROOT, FataTest, cpu_seconds

HELLO_KEY = "examples/tutorial/hello-key"
CONFIG = """#include <fata/config.hpp>
using namespace fata::config;
Plan plan(const Context& context) {{
{body}
}}
"""


class Queries(FataTest):
    build = ["--build-dir", BUILD / "hello-key-linux"]

    def query(self, *words):
        return self.run_fata("query", HELLO_KEY, *self.build, *words).stdout

    def test_one_word_alone(self):
        self.assertEqual(self.query("image"), f"{BUILD}/hello-key-linux/build/hello-key\n")
        self.assertEqual(self.query("target"), "linux\n")
        self.assertEqual(self.query("keys", "-D", "name=moon"), "name=moon  whom to greet\n")
        self.assertEqual(self.query("parameters").splitlines()[0], "--greeting=Hello  what to say")

    def test_from_inside_the_folder(self):
        done = self.run_fata("query", "name", *self.build, cwd=ROOT / HELLO_KEY)
        self.assertEqual(done.stdout, "hello-key\n")

    def test_as_json(self):
        facts = json.loads(self.query("--json"))
        self.assertEqual(facts["name"], "hello-key")
        names = [p["name"] for p in facts["parameters"]]
        self.assertEqual(names, ["greeting", "times", "pause", "log", "sandbox"])
        self.assertEqual(
            json.loads(self.query("image", "--json")), f"{BUILD}/hello-key-linux/build/hello-key"
        )

    def test_describe_shows_the_tree(self):
        text = self.run_fata("describe", HELLO_KEY, *self.build).stdout
        self.assertTrue(
            text.startswith(
                "hello-key for linux, net host\n  hello: Job = hello_key::Hello  [config.cpp:"
            ),
            text,
        )
        self.assertIn("\n    console: Console = fata::platform_devices::Console", text)
        self.assertIn("\n    --greeting\n", text)

    def test_describe_as_a_graph(self):
        text = self.run_fata("describe", HELLO_KEY, "--dot", *self.build).stdout
        self.assertTrue(text.startswith('digraph "hello-key" {\n'))
        self.assertIn('d0 -> d1 [label="Console"]', text)
        self.assertIn('"--greeting" -> d1', text)

    def test_sharing_is_kept(self):
        text = self.run_fata(
            "describe", "examples/tutorial/timers", "--build-dir", BUILD / "timers-linux"
        ).stdout
        self.assertIn("console: Console = fata::platform_devices::Console (the same)", text)
        self.assertNotIn("console_2", text)

    def test_a_process_binds_all_it_imports_before_it_starts(self):
        self.run_fata("build", HELLO_KEY, *self.build)
        image = self.query("image").strip()
        facts = subprocess.run(
            ["readelf", "--dynamic", "--program-headers", "--wide", image],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
        self.assertRegex(facts, r"\(FLAGS\) +BIND_NOW")
        self.assertRegex(facts, r"GNU_RELRO +0x")
        self.assertRegex(facts, r"GNU_STACK .* RW +0")


class Builds(FataTest):
    def test_say_where_the_image_is_and_what_is_in_it(self):
        folder = BUILD / "noop-linux"
        lines = self.run_fata(
            "build", "examples/tutorial/noop", "--map", "--build-dir", folder
        ).stdout.splitlines()
        self.assertEqual(lines[0], f"{folder}/build/noop")
        stripped = int(lines[1].split()[0])
        sections = lines[lines.index("by section:") + 1 : lines.index("by library:")]
        libraries = lines[lines.index("by library:") + 1 :]
        by_section = sum(int(line.split()[0]) for line in sections)
        by_library = sum(int(line.split()[0]) for line in libraries)
        self.assertIn(".text", [line.split()[1] for line in sections])
        self.assertIn("fata_base", [line.split()[1] for line in libraries])
        # Headers and padding may differ. A part that is missing or counted twice differs by more.
        self.assertLess(abs(stripped - by_section), 0.15 * stripped)
        self.assertLess(abs(by_section - by_library), 0.15 * by_section)

    def test_a_new_application_runs_at_once_and_again_after_an_edit(self):
        self.run_fata("new", "fresh", cwd=self.folder)
        done = self.run_fata("run", "fresh", "--", "--greeting=Hi", cwd=self.folder)
        self.assertEqual(done.stdout, "Hi from fresh!\n")
        source = self.folder / "fresh/fresh.hpp"
        source.write_text(source.read_text().replace(" from fresh!", ", edited."))
        begin = cpu_seconds()
        self.assertEqual(self.run_fata("run", "fresh", cwd=self.folder).stdout, "Hello, edited.\n")
        self.assertLess(cpu_seconds() - begin, 15)
        self.assertLess(self.second_start(), 2)
        self.run_fata("clean", "fresh", cwd=self.folder)
        self.assertFalse((self.folder / "fresh/.fata/linux").exists())

    def second_start(self):
        begin = cpu_seconds()
        self.assertNotIn("compiling", self.run_fata("run", "fresh", cwd=self.folder).stderr)
        return cpu_seconds() - begin

    def test_clean_spares_a_folder_that_is_not_its_own(self):
        (self.folder / "precious").write_text("x")
        self.refused(
            f"fata: {self.folder}: is not a build folder of fata; nothing was removed",
            "clean",
            "examples/tutorial/noop",
            "--build-dir",
            self.folder,
        )

    def test_clean_removes_what_an_interrupted_build_left(self):
        folder = self.folder / "build"
        self.run_fata("configure", "examples/tutorial/noop", "--build-dir", folder)
        (folder / "plan.json").unlink()
        self.run_fata("clean", "examples/tutorial/noop", "--build-dir", folder)
        self.assertFalse(folder.exists())

    def test_an_error_in_an_applications_source_is_status_1(self):
        self.run_fata("new", "broken", cwd=self.folder)
        source = self.folder / "broken/broken.hpp"
        source.write_text(source.read_text().replace("co_return 0;", "co_return nothing;"))
        done = self.run_fata("build", "broken", status=1, cwd=self.folder)
        self.assertIn("undeclared identifier 'nothing'", done.stderr)

    def test_the_concept_is_blamed_on_the_config(self):
        self.run_fata("new", "wrong", cwd=self.folder)
        source = self.folder / "wrong/wrong.hpp"
        source.write_text(source.read_text().replace("start()", "begin()"))
        done = self.run_fata("build", "wrong", status=1, cwd=self.folder)
        self.assertRegex(
            done.stderr,
            r"config\.cpp:\d+:\d+: error: static assertion failed.*does not model fata::sig::Job",
        )


class Images(FataTest):
    words = ["run", HELLO_KEY, "--build-dir", BUILD / "hello-key-linux", "--"]

    def test_parameters_are_passed_and_quoted_as_they_are(self):
        done = self.run_fata(*self.words, "--times=1", "--greeting=a \"b\" 'c' \\d")
        self.assertEqual(done.stdout, "a \"b\" 'c' \\d, world!\n")

    def test_explain_their_parameters(self):
        text = self.run_fata(*self.words, "--help", status=63).stdout
        self.assertEqual(
            text.splitlines()[:3],
            [
                "Parameters of hello-key, as --name=value:",
                "  --greeting  what to say (a text; default Hello)",
                "  --times     how often to say it (a number from 0 to 65535; default 4)",
            ],
        )

    def test_refuse_a_wrong_parameter_with_one_line(self):
        done = self.run_fata(*self.words, "--time=2", status=64)
        self.assertEqual(
            done.stdout, "hello-key: unknown parameter --time; did you mean --times?\n"
        )

    def test_end_cleanly_when_asked_to(self):
        image = self.run_fata(
            "build", HELLO_KEY, "--build-dir", BUILD / "hello-key-linux"
        ).stdout.splitlines()[0]
        for ask in (signal.SIGINT, signal.SIGTERM):
            process = subprocess.Popen([image, "--pause=60s"], stdout=subprocess.PIPE, text=True)
            self.assertEqual(process.stdout.readline(), "Hello, world!\n")
            process.send_signal(ask)
            self.assertEqual(process.wait(timeout=10), 0)
            process.stdout.close()


class Configs(FataTest):
    """Errors that only running config.cpp can find: one line, status 64."""

    def refused_config(self, line, body, *words):
        app = self.application("app", config_cpp=CONFIG.format(body=body))
        done = self.run_fata("configure", app, *words, status=64)
        self.assertEqual(done.stderr.strip().splitlines()[-1], line)

    def test_without_a_job(self):
        self.refused_config(
            "fata: config.cpp:4: the plan has no job; give it one with plan.run(...)",
            '  (void)context; return Plan("empty");',
        )

    def test_with_a_bad_name(self):
        self.refused_config(
            (
                "fata: config.cpp:4: 'Bad Name' cannot be an image's name: lower case letters,"
                " digits and hyphens"
            ),
            '  (void)context; return Plan("Bad Name");',
        )

    def test_with_a_bad_parameter_name(self):
        self.refused_config(
            (
                "fata: config.cpp:4: 'no-way' cannot be a parameter's name: up to 31 lower case"
                " letters, digits and hyphens, not help, not no-..."
            ),
            '  (void)context; parameter("no-way", true, ""); return Plan("x");',
        )

    def test_with_two_parameters_of_one_name(self):
        self.refused_config(
            (
                "fata: config.cpp:6: the parameter --port was already made at config.cpp:5; make it"
                " once and pass it to both"
            ),
            (
                '  (void)context; auto job = functor<Job()>("a::B", "b.hpp"); Plan plan("x");\n'
                '  plan.run(job(parameter("port", std::uint16_t{1}, "")));\n'
                '  plan.run(job(parameter("port", std::uint16_t{2}, "")));\n'
                "  return plan;"
            ),
        )

    def test_with_a_device_that_the_target_lacks(self):
        self.refused_config(
            (
                "fata: config.cpp:4: the host's UDP exists only on the target linux; choose another"
                " device for kvm, as default_stack(context) does"
            ),
            (
                '  (void)context; Plan plan("x"); plan.run(functor<Job(Udp)>("a::B",'
                ' "b.hpp")(host_udp())); return plan;'
            ),
            "-t",
            "kvm",
        )

    def test_with_what_only_a_domain_of_xen_has(self):
        self.refused_config(
            (
                "fata: config.cpp:4: xenstore exists only on the target xen; choose another device"
                " for kvm, as default_stack(context) does"
            ),
            (
                '  Plan plan("x"); plan.run(functor<Job(Xenstore)>("a::B",'
                ' "b.hpp")(default_xenstore(context))); return plan;'
            ),
            "-t",
            "kvm",
        )

    def test_with_an_unknown_key(self):
        self.refused_config(
            "fata: -D colour=red: config.cpp has no key 'colour'; its keys: size",
            (
                '  context.key<int>("size", 1, ""); Plan plan("x"); '
                'plan.run(functor<Job()>("a::B", "b.hpp")()); return plan;'
            ),
            "-D",
            "colour=red",
        )

    def test_with_a_wrong_key(self):
        self.refused_config(
            "fata: -D size=big: this key is a whole number",
            '  context.key<int>("size", 1, ""); return Plan("x");',
            "-D",
            "size=big",
        )

    def test_with_a_missing_data_folder(self):
        app = self.folder / "app"
        self.refused_config(
            f'fata: config.cpp:4: crunch("data"): there is no folder {app}/data',
            (
                '  (void)context; Plan plan("x"); '
                'plan.run(functor<Job(KeyValue)>("a::B", "b.hpp")(crunch("data"))); return plan;'
            ),
        )

    def test_with_a_missing_local_library(self):
        app = self.folder / "app"
        self.refused_config(
            (
                "fata: config.cpp names the local library 'words', but there is no folder"
                f" {app}/words/include"
            ),
            (
                '  (void)context; Plan plan("x"); '
                'plan.run(functor<Job()>("a::B", "b.hpp").local_library("words")()); return plan;'
            ),
        )

    def test_with_a_missing_c_library(self):
        self.refused_config(
            (
                "fata: config.cpp needs the C library nothing, whose header nothing.h is"
                " missing: apt-get install libnothing-dev"
            ),
            (
                '  (void)context; Plan plan("x"); plan.run(functor<Job()>("a::B",'
                ' "b.hpp").third_party({.name = "nothing", .package = "libnothing-dev", .headers ='
                ' {"nothing.h"}})()); return plan;'
            ),
        )


if __name__ == "__main__":
    unittest.main()
