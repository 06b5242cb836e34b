"""Folders and files whose names have special characters for shells, CMake, ninja, QEMU, xl and
XML.
"""
import ctypes
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import unittest
from xml.etree import ElementTree

from fata import ARCH, BUILD, FATA, LONG, QEMU, FataTest

# Characters that the same program interprets share a name: each name takes a build per target.
ODD = [
    "with  space dépôt 日本",
    "100%$HOME#",
    "a;b<c>|d",
    "a\"b\\c'd",
    "(a)[b]{c}*?",
    "[a",
    "~a=b,c:d!^`e&",
    "-$(touch oops)",
    "@a",
]
ALL = "% $#;<>\"\\'&()[]{}*?~=,:|!^`é"
PARAMETERS = [
    "--greeting=Good  day \\o/",
    "--greeting=",
    "--greeting=a\tb",
    "--greeting=\"quoted\" 'twice' \\\\ \\",
    "--greeting=$HOME `id` $(id)",
    "--greeting=50% , ; # & | < > * ? [a] {b} ~ ! ^ =x",
    "--greeting=é 日本",
]


class Folders(FataTest):
    def made(self, folder):
        self.run_fata("new", "hello", cwd=self.folder)
        (self.folder / "hello").rename(folder)
        return folder

    def test_an_application_in_a_folder_of_every_odd_name(self):
        app = self.made(self.folder / "hello-first")
        targets = ("linux", "kvm", "xen")
        for number, name in enumerate(ODD):
            with self.subTest(name=name):
                app = app.rename(self.folder / name)
                self.assertEqual(
                    self.run_fata("run", f"./{name}", cwd=self.folder).stdout, "Hello from hello!\n"
                )
                for target in targets if LONG else [targets[number % 3]]:
                    self.is_measured(app, target)
        self.assertFalse((self.folder / "oops").exists())

    def is_measured(self, app, target):
        """Commands that run LLVM's tools on build products or print their paths work."""
        words = [f"./{app.name}", "-t", target]
        folder = f"{app}/.fata/{target}"
        image = f"{folder}/build/hello" + ("" if target == "linux" else ".img")
        built = self.run_fata("build", *words, "--map", cwd=self.folder).stdout.splitlines()
        self.assertEqual(built[0], image)
        self.assertIn("by library:", built)
        facts = json.loads(self.run_fata("query", *words, "--json", cwd=self.folder).stdout)
        self.assertEqual((facts["image"], facts["build-dir"]), (image, folder))
        sizes = json.loads(self.run_fata("query", *words, "size", "--json", cwd=self.folder).stdout)
        self.assertEqual(built[1].split()[0], str(sizes["stripped"]))
        self.assertGreater(sizes["libraries"]["fata_base"], 0)

    def test_gdb_finds_the_sources_in_a_folder_of_odd_name(self):
        app = self.made(self.folder / ALL)
        done = self.run_fata("run", app, "--gdb", "--dry-run")
        line = done.stdout + done.stderr
        command = shlex.split(line[line.index("gdb -ex") :].splitlines()[0])
        (directory,) = [word for word in command if word.startswith("directory ")]
        done = subprocess.run(
            ["gdb", "-batch", "-ex", directory, "-ex", "show directories"],
            text=True,
            capture_output=True,
        )
        found = done.stdout.split(": ", 1)[1].strip().split(":")
        self.assertEqual(
            [os.path.realpath(folder) for folder in found[:2]],
            [f"{app}/.fata/linux", str(app)],
            done.stdout + done.stderr,
        )

    def test_all_oddities_at_once_on_every_target(self):
        app = self.made(self.folder / ALL)
        for target in (["-t", "linux"], ["-t", "kvm", "--accel", "tcg"]):
            self.assertEqual(
                self.run_fata("run", app, *target).stdout.replace("\r", ""), "Hello from hello!\n"
            )
        self.run_fata("build", app, "-t", "xen")
        self.assertEqual(
            self.run_fata("query", app, "image").stdout, f"{app}/.fata/linux/build/hello\n"
        )
        self.checks_kvm(app / ".fata/kvm")
        self.checks_xen(app / ".fata/xen")

    def checks_kvm(self, folder):
        image = str(folder / "build/hello.img")
        self.assertEqual(
            subprocess.run(
                ["sh", folder / "hello.qemu.sh"], capture_output=True, text=True
            ).stdout.replace("\r", ""),
            "Hello from hello!\n",
        )
        self.assertEqual(
            ElementTree.parse(folder / "hello.libvirt.xml").find("os/kernel").text, image
        )
        self.assertEqual(
            json.loads((folder / "hello.cloud-hypervisor.json").read_text())["payload"]["kernel"],
            image,
        )
        self.assertEqual(
            json.loads((folder / "hello.firecracker.json").read_text())["boot-source"][
                "kernel_image_path"
            ],
            str(folder / "build/hello.elf"),
        )

    def checks_xen(self, folder):
        self.assertEqual(
            ElementTree.parse(folder / "hello.libvirt.xml").find("os/kernel").text,
            str(folder / "build/hello.img"),
        )
        self.assertEqual(xl_string(folder / "hello.xl", "kernel"), str(folder / "build/hello.img"))

    def test_a_build_folder_of_odd_name_and_an_error_in_it(self):
        app = self.made(self.folder / "plain")
        build = self.folder / ALL
        self.assertEqual(
            self.run_fata("run", app, "--build-dir", build).stdout, "Hello from hello!\n"
        )
        source = app / "hello.hpp"
        source.write_text(source.read_text().replace("co_return 0;", "co_return nothing;"))
        odd = app.rename(self.folder / "a;b")
        done = self.run_fata("build", odd.name, "--build-dir", build, cwd=self.folder, status=1)
        self.assertIn(
            "\na;b/hello.hpp:20:15: error: use of undeclared identifier 'nothing'\n", done.stderr
        )

    def test_what_no_file_can_carry_is_refused_up_front(self):
        app = self.made(self.folder / "plain")
        for name, shown, what in (
            ("a\nb", "a\\x0ab", "control characters"),
            ("a\x7fb", "a\\x7fb", "control characters"),
            (os.fsdecode(b"a\xffb"), "a\\xffb", "bytes that are no UTF-8"),
        ):
            with self.subTest(name=name):
                app = app.rename(self.folder / name)
                self.refused(
                    (
                        f"fata: {self.folder}/{shown}: the path contains {what}, "
                        "which CMake, QEMU and xl do not take; rename the folder"
                    ),
                    "build",
                    app,
                )
        app = app.rename(self.folder / "plain")
        done = self.run_fata("build", app, "--build-dir", self.folder / "a\nb", status=64)
        self.assertIn("/a\\x0ab: the path contains control characters", done.stderr)

    def test_a_source_file_that_cmake_does_not_take(self):
        app = self.made(self.folder / "plain")
        (app / "a;b.cpp").write_text("")
        self.refused(
            (
                f"fata: {app}/a;b.cpp: CMake does not take this name; "
                "rename the file, or move it elsewhere"
            ),
            "build",
            app,
        )

    def test_hidden_sources_are_left_alone(self):
        """Hidden files as editors and other systems create them."""
        app = self.made(self.folder / "plain")
        (app / "._hello.cpp").write_bytes(b"\x00\x05\x16\x07")
        (app / ".#hello.cpp").symlink_to("nobody@nowhere")
        self.run_fata("build", app)

    def test_linked_in_files_of_any_name(self):
        app = self.folder / "files"
        (app / "data/a$b").mkdir(parents=True)
        names = [
            "plain",
            "with space",
            'a"b',
            "a\\b",
            "a\nb",
            "é",
            "a%b",
            "a$b/c;d",
            "a\\",
            "tab\there",
            "1\x011",
        ]
        for name in names:
            (app / "data" / name).write_text(f"<{name}>")
        (app / "data/raw").write_bytes(b"")
        (app / "data" / os.fsdecode(b"\xff")).write_text("<not UTF-8>")
        (app / "config.cpp").write_text(CRUNCH_CONFIG)
        (app / "files.hpp").write_text(CRUNCH_SOURCE)
        done = subprocess.run([*FATA, "run", app], capture_output=True, timeout=400)
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in names:
            self.assertIn(f"[{name}]=<{name}>.".encode(), done.stdout)
        self.assertIn(b"[\xff]=<not UTF-8>.", done.stdout)


CRUNCH_CONFIG = """#include <fata/config.hpp>
using namespace fata::config;
Plan plan(const Context&) {
  Plan plan("files");
  auto job = functor<Job(KeyValue, Console)>("files_app::Files", "files.hpp");
  plan.run(job(crunch("data"), default_console()));
  return plan;
}
"""
CRUNCH_SOURCE = """#pragma once
#include <fata/async/context.hpp>
#include <fata/async/task.hpp>
#include <fata/sig/console.hpp>
#include <fata/sig/key_value.hpp>

#include <string>

namespace files_app {
template <fata::sig::KeyValueReader Store, fata::sig::Console Console>
class Files {
 public:
  Files(fata::async::Context&, Store& store, Console& console) : store_(store), console_(console) {}
  fata::async::Task<int> start() { co_return co_await show("") ? 0 : 1; }

 private:
  fata::async::Task<bool> show(std::string folder) {
    const auto entries = co_await store_.list(folder, fata::async::Wait{});
    if (!entries) co_return false;
    for (const fata::sig::KeyEntry& entry : *entries) {
      const std::string path = folder.empty() ? entry.name : folder + "/" + entry.name;
      if (entry.folder) {
        if (!co_await show(path)) co_return false;
        continue;
      }
      const auto value = co_await store_.get(path, fata::async::Wait{});
      if (!value) co_return false;
      console_.write("[");
      console_.write(path);
      console_.write("]=");
      console_.write(value->text());
      console_.write(".");
    }
    co_return true;
  }
  Store& store_;
  Console& console_;
};
}  // namespace files_app
"""


class Parameters(FataTest):
    """Every generated file that carries parameters passes them exactly as `fata run` does."""

    def setUp(self):
        super().setUp()
        self.run_fata("new", "hello", cwd=self.folder)
        self.hello = self.folder / "hello"

    def test_the_script_for_qemu_passes_them_as_fata_run_does(self):
        hello = [self.hello, "-t", "kvm"]
        self.run_fata("build", *hello)
        folder = self.run_fata("query", *hello, "build-dir").stdout.strip()
        for words in [[word] for word in PARAMETERS] + [["--log=*:off", "--greeting=a b"]]:
            with self.subTest(words=words):
                line = self.run_fata(
                    "run", *hello, "--dry-run", "--accel", "tcg", "--", *words
                ).stdout.rstrip("\n")
                wanted = subprocess.run(
                    ["sh", "-c", "set -- " + line + '; for w; do printf "%s\\n" "$w"; done'],
                    text=True,
                    capture_output=True,
                ).stdout.splitlines()[-1]
                fake = self.folder / QEMU
                fake.write_text('#!/bin/sh\nfor w; do printf "%s\\n" "$w"; done\n')
                fake.chmod(0o755)
                done = subprocess.run(
                    ["sh", f"{folder}/hello.qemu.sh", *words],
                    text=True,
                    capture_output=True,
                    env={**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}"},
                )
                self.assertEqual(done.stdout.splitlines()[-2:], ["-append", wanted])
        done = subprocess.run(
            ["sh", f"{folder}/hello.qemu.sh", PARAMETERS[0]], text=True, capture_output=True
        )
        self.assertEqual(done.stdout.replace("\r", ""), "Good  day \\o/ from hello!\n")

    def test_a_newline_is_refused_everywhere(self):
        hello = [self.hello, "-t", "kvm"]
        self.run_fata("build", *hello)
        said = "a parameter contains a newline, and a kernel's command line cannot"
        for words in (["-t", "kvm"], ["-t", "xen", "--lab"]):
            done = self.run_fata(
                "run", self.hello, *words, "--dry-run", "--", "--greeting=a\nb", status=64
            )
            self.assertEqual(done.stderr.splitlines()[-1], f"fata: {said}: --greeting=a...")
        script = self.run_fata("query", *hello, "build-dir").stdout.strip() + "/hello.qemu.sh"
        done = subprocess.run(["sh", script, "--greeting=a\nb"], text=True, capture_output=True)
        self.assertEqual((done.returncode, done.stderr), (64, f"{script}: {said}\n"))

    def test_xl_reads_them_as_they_were_given(self):
        for word in PARAMETERS:
            with self.subTest(word=word):
                self.run_fata("run", self.hello, "-t", "xen", "--lab", "--dry-run", "--", word)
                line = xl_string(self.hello / ".fata/xen/run.xl", "extra")
                self.assertEqual(guest_words(line), [word])

    def test_disks_of_odd_name_reach_qemu_and_xl(self):
        disk = self.folder / "a:b, c\"d'e\\f%.img"
        disk.write_bytes(bytes(1 << 20))
        block = ["examples/devices/block", "--build-dir"]
        for target in (["-t", "linux"], ["-t", "kvm", "--accel", "tcg"]):
            done = self.run_fata(
                "run", *block, BUILD / f"block-odd-{target[1]}", *target, "--disk", disk
            )
            self.assertIn("all is well", done.stdout)
        done = subprocess.run(
            [
                *FATA,
                "run",
                pathlib.Path(__file__).parents[2] / block[0],
                "--build-dir",
                BUILD / "block-odd-kvm",
                "-t",
                "kvm",
                "--accel",
                "tcg",
                "--disk",
                disk.name,
            ],
            cwd=self.folder,
            text=True,
            capture_output=True,
        )
        self.assertIn("all is well", done.stdout, done.stderr)
        self.run_fata(
            "run",
            *block,
            BUILD / "block-odd-xen",
            "-t",
            "xen",
            "--lab",
            "--dry-run",
            "--disk",
            disk,
        )
        self.assertIn(f"target={disk}", xl_string(BUILD / "block-odd-xen/run.xl", "disk", item=0))


def guest_words(line):
    """Splits a command line as platform/kernel does: quotes keep spaces, and a backslash keeps the
    next character.
    """
    words, word, quoted, i = [], None, False, 0
    while i < len(line):
        char = line[i]
        if char in " \t\n" and not quoted:
            words += [] if word is None else [word]
            word = None
        elif char == '"':
            quoted, word = not quoted, word or ""
        else:
            i += char == "\\"
            word = (word or "") + line[i]
        i += 1
    return words + ([] if word is None else [word])


def xl_string(file, name, item=None):
    """The value that xl's own parser reads for a name in a configuration."""
    library = ctypes.CDLL(
        next(iter(sorted(pathlib.Path(f"/usr/lib/{ARCH}-linux-gnu").glob("libxlutil.so*"))))
    )
    library.xlu_cfg_init.restype = ctypes.c_void_p
    library.xlu_cfg_init.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    library.xlu_cfg_readdata.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
    library.xlu_cfg_get_string.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_void_p,
        ctypes.c_int,
    ]
    library.xlu_cfg_get_list.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_int,
    ]
    library.xlu_cfg_get_listitem.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.xlu_cfg_get_listitem.restype = ctypes.c_char_p
    errors = ctypes.c_void_p.in_dll(ctypes.CDLL(None), "stderr")
    config = library.xlu_cfg_init(errors, b"test")
    text = file.read_bytes()
    if library.xlu_cfg_readdata(config, text, len(text)) != 0:
        raise ValueError(f"xl does not read {text}")
    value = ctypes.c_void_p()
    if item is not None:
        library.xlu_cfg_get_list(config, name.encode(), ctypes.byref(value), None, 0)
        return library.xlu_cfg_get_listitem(value, item).decode()
    library.xlu_cfg_get_string(config, name.encode(), ctypes.byref(value), 0)
    return ctypes.string_at(value.value).decode()


if __name__ == "__main__":
    unittest.main()
