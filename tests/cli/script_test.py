"""The script ./fata in cases that no other test covers: on a terminal, without packages, before the
command is built.
"""
import os
import shutil
import signal
import unittest

from fata import ARCH, PROCESSES, ROOT, FataTest, fata
from terminal import on_terminal

TOOL = ROOT / "build" / PROCESSES / "tool/fata"
# Replaces a program of the build: prints what ninja or CMake print, and leaves their files.
STAND_IN = """#!/bin/sh
{body}
"""


class Script(FataTest):
    """The script in its own tree with stand-ins for the build programs, so that no case needs a
    build.
    """

    def setUp(self):
        super().setUp()
        self.tree = self.folder / "my dépôt"
        self.tree.mkdir()
        self.bin = self.folder / "bin"
        self.bin.mkdir()
        for file in ("fata", "CMakeLists.txt"):
            shutil.copy(ROOT / file, self.tree / file)
        shutil.copytree(ROOT / "tool/help", self.tree / "tool/help")
        for folder in (
            "config",
            "plan",
            "sig",
            "lib/crunch",
            f"platform/arch/{ARCH}/unpack",
            "cmake",
        ):
            (self.tree / folder).mkdir(parents=True)
        self.made_app(self.tree)
        self.stand_in(
            "cmake",
            (
                'echo cmake >>"$LOG"; echo "-- The compiler is found"; '
                'while [ "$1" != -S ]; do shift; done; mkdir -p "$4"; touch "$4/build.ninja"; '
                'echo "CMAKE_HOME_DIRECTORY:INTERNAL=$2" >"$4/CMakeCache.txt"; '
                'echo "-- Build files have been written"'
            ),
        )
        self.ninja('echo "[1/2] Building a.o"; echo "[2/2] Linking fata"')
        self.stand_in(
            "apt-get",
            (
                'echo "$*" >>"$LOG"; [ "$2" = --assume-no ] && printf "%s\\n" '
                '"Need to get 235 MB of archives." '
                '"After this operation, 1,023 MB of additional disk space will be used."; exit 0'
            ),
        )
        self.stand_in("sudo", 'echo "sudo $*" >>"$LOG"; exec "$@"')
        self.log = self.folder / "log"
        self.log.write_text("")

    def made_app(self, folder=None):
        app = (folder or self.folder) / "app"
        app.mkdir()
        (app / "config.cpp").touch()

    def stand_in(self, name, body):
        (self.bin / name).write_text(STAND_IN.format(body=body))
        (self.bin / name).chmod(0o755)

    def ninja(self, said, status=0):
        """A ninja that prints this and, if it succeeds, leaves a command that prints its words."""
        self.stand_in(
            "ninja",
            (
                f'{said}; [ {status} = 0 ] || exit {status}; mkdir -p "$2/tool"; '
                'printf "#!/bin/sh\\necho ran: \\"\\$*\\"\\n" >"$2/tool/fata"; '
                'chmod +x "$2/tool/fata"'
            ),
        )

    def lacking(self, file="/usr/bin/ninja"):
        """Makes the script look for a file that does not exist."""
        script = self.tree / "fata"
        script.write_text(script.read_text().replace(file, "/usr/bin/no-such-file"))

    def environment(self, **more):
        return {"PATH": f"{self.bin}:{os.environ['PATH']}", "LOG": str(self.log), **more}

    def typed(self, *words, typed=b"", **more):
        return on_terminal(
            [self.tree / "fata", *words], typed, cwd=self.tree, env=self.environment(**more)
        )

    def piped(self, *words, **more):
        return fata(
            *words, command=[str(self.tree / "fata")], cwd=self.tree, env=self.environment(**more)
        )

    def piped_text(self, *words):
        done = self.piped(*words)
        return done.returncode, done.stdout + done.stderr

    def test_the_first_build_on_a_terminal(self):
        status, text = self.typed("build", "app")
        self.assertEqual((status, text.rsplit("\033[K", 1)[-1]), (0, "ran: build app\r\n"), text)
        self.assertIn("fata: building the fata command [2/2]", text)

    def test_a_step_whose_last_line_is_no_progress(self):
        for said in ('echo "ninja: no work to do."', 'echo "[1/1] x"; echo "a warning"', ":"):
            with self.subTest(said):
                self.ninja(said)
                self.change(self.tree, "CMakeLists.txt")
                status, text = self.typed("build", "app")
                self.assertEqual(status, 0, text)
                self.assertIn("ran: build app", text)

    def test_a_file_that_changes_nothing_is_built_once(self):
        self.assertEqual(self.typed("build", "app")[0], 0)
        self.ninja('echo called >>"$LOG"; echo "ninja: no work to do."')
        self.change(self.tree, "tool/README.md")
        for _ in range(2):
            self.assertEqual(self.typed("build", "app")[0], 0)
        self.assertEqual(self.log.read_text(), "cmake\ncalled\n")

    def test_a_step_that_fails_shows_its_output_and_its_status(self):
        self.ninja('echo "[1/2] Building"; echo "a.cpp:1:1: error: wrong"', status=1)
        for way in (self.typed, self.piped_text):
            status, text = way("build", "app")
            self.assertEqual(status, 1)
            self.assertIn("a.cpp:1:1: error: wrong", text)
            self.assertIn("fata: building the fata command failed", text)
            self.change(self.tree, "CMakeLists.txt")

    def test_a_step_that_was_interrupted_ends_the_script_by_the_signal(self):
        self.ninja('echo "ninja: build stopped: interrupted by user."', 130)
        done = self.piped("build", "app")
        self.assertEqual((done.returncode, "failed" in done.stderr), (-signal.SIGINT, False), done)
        status, text = self.typed("build", "app")
        self.assertEqual((status, "failed" in text), (-signal.SIGINT, False), text)

    def test_a_copied_clone_is_configured_for_itself(self):
        self.assertEqual(self.piped("build", "app").returncode, 0)
        copy = self.folder / "copy"
        shutil.copytree(self.tree, copy)
        shutil.rmtree(self.tree)
        self.change(copy, "CMakeLists.txt")
        self.log.write_text("")
        for _ in range(2):
            done = fata(
                "build", "app", command=[str(copy / "fata")], cwd=copy, env=self.environment()
            )
            self.assertEqual((done.returncode, done.stdout), (0, "ran: build app\n"), done.stderr)
            self.change(copy, "CMakeLists.txt")
        self.assertEqual(self.log.read_text(), "cmake\n")

    def another_user(self, cache):
        """Builds as a user that cannot write to the tree, with this folder as its cache."""
        if os.geteuid() != 0:
            self.skipTest("another user: becoming one needs root")
        for folder in (self.folder, *self.folder.rglob("*")):
            folder.chmod(0o755)
        self.log.chmod(0o666)
        line = [
            "setpriv",
            "--reuid=64321",
            "--regid=64321",
            "--clear-groups",
            str(self.tree / "fata"),
        ]
        return fata(
            "build",
            "app",
            command=line,
            cwd=self.tree,
            env=self.environment(HOME="/nonexistent", XDG_CACHE_HOME=str(cache), CCACHE_DIR=""),
        )

    def change(self, tree, name):
        """Makes a source newer than the command, even on a file system with coarse timestamps."""
        (tree / name).touch()
        tool = tree / "build" / PROCESSES / "tool/fata"
        if tool.exists():
            os.utime(tool, (1, 1))

    def files(self):
        return sorted(str(path) for path in self.tree.rglob("*"))

    def test_another_users_tree_is_used_as_it_is(self):
        self.assertEqual(self.piped("build", "app").returncode, 0)
        before = self.files()
        done = self.another_user("/nonexistent")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "ran: build app\n", ""))
        self.assertEqual(self.files(), before)

    def test_a_command_that_another_users_tree_lacks_is_built_in_the_cache(self):
        cache = self.folder / "a cache"
        for built in (False, True):
            with self.subTest(built=built):
                if built:
                    self.assertEqual(self.piped("build", "app").returncode, 0)
                    self.change(self.tree, "CMakeLists.txt")
                shutil.rmtree(cache, ignore_errors=True)
                cache.mkdir()
                os.chown(cache, 64321, 64321)
                before = self.files()
                done = self.another_user(cache)
                self.assertEqual(
                    (done.returncode, done.stdout), (0, "ran: build app\n"), done.stderr
                )
                self.assertEqual(self.files(), before)
                trees = cache / "fata/trees" / self.tree.relative_to("/")
                tool = trees / PROCESSES / "tool/fata"
                self.assertTrue(tool.is_file())

    def test_a_tree_that_cannot_be_built_anywhere_is_one_line(self):
        done = self.another_user("/nonexistent/cache")
        self.assertEqual((done.returncode, done.stdout), (64, ""))
        self.assertRegex(
            done.stderr, r"^fata: .* belongs to root .* set XDG_CACHE_HOME to a folder .*\n$"
        )

    def test_a_path_that_cmake_cannot_take_is_refused_before_anything_is_built(self):
        for character in ';"\\#<>|[]\n\t':
            with self.subTest(character):
                tree = self.folder / f"a{character}b"
                self.tree.rename(tree)
                self.tree = tree
                done = self.piped("build", "app")
                self.assertEqual((done.returncode, done.stdout), (64, ""))
                self.assertRegex(
                    done.stderr, r"^fata: .* which CMake cannot build in: move or rename it\n$"
                )
        self.assertEqual(self.log.read_text(), "")

    def test_a_link_to_the_script_finds_its_tree(self):
        (self.bin / "fata").symlink_to(self.tree / "fata")
        done = fata("build", "app", command=["fata"], cwd=self.tree, env=self.environment())
        self.assertEqual((done.returncode, done.stdout), (0, "ran: build app\n"), done.stderr)
        self.assertTrue((self.tree / "build" / PROCESSES / "build.ninja").exists())

    def test_a_terminal_without_movement_gets_no_escapes(self):
        status, text = self.typed("build", "app", TERM="dumb")
        self.assertEqual(status, 0, text)
        self.assertNotIn("\033", text)

    def test_help_and_version_need_nothing(self):
        self.lacking()
        for words in (
            (),
            ("--help",),
            ("-h",),
            ("help",),
            ("run", "--help"),
            ("help", "run"),
            ("build", "app", "-h"),
            ("--version",),
        ):
            with self.subTest(words):
                done = self.piped("--no-install", *words)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertTrue(done.stdout)
        self.assertEqual(self.log.read_text(), "")
        self.assertFalse((self.tree / "build").exists())

    def test_help_of_the_image_is_not_ours(self):
        self.assertEqual(
            self.piped("run", "app", "--", "--help").stdout, "ran: run app -- --help\n"
        )

    def test_missing_packages_are_asked_for_on_a_terminal(self):
        self.lacking()
        status, text = self.typed("build", "app", typed=b"\n")
        self.assertIn("fata: building Fata needs these Debian packages: ninja-build", text)
        self.assertIn(
            "install them with apt-get now (235 MB to download, 1,023 MB on disk)? [Y/n]", text
        )
        self.assertEqual(status, 0, text)
        self.assertIn("\ninstall -y --no-install-recommends ninja-build\n", self.log.read_text())

    def test_no_leaves_the_machine_alone(self):
        self.lacking()
        for typed in (b"n\n", b"no\n", b""):
            self.log.write_text("")
            status, text = self.typed("build", "app", typed=typed)
            self.assertEqual(status, 64, text)
            self.assertIn(
                (
                    "fata: nothing was installed. To do it by hand: "
                    "apt-get install --no-install-recommends ninja-build"
                ),
                text,
            )
            self.assertNotIn(
                "\ninstall", "\n" + self.log.read_text().replace("install --assume-no", "")
            )

    def test_yes_and_a_pipe_are_not_asked(self):
        self.lacking()
        for status, text in (self.typed("-y", "build", "app"), self.piped_text("build", "app")):
            self.assertEqual(status, 0, text)
            self.assertNotIn("[Y/n]", text)
            self.assertIn("ran: build app", text)

    def test_apt_is_seen_on_a_terminal(self):
        self.lacking()
        self.stand_in("apt-get", 'echo "apt was here"; exit 3')
        status, text = self.typed("--yes", "build", "app")
        self.assertEqual(status, 64)
        self.assertIn("apt was here", text)
        self.assertIn("fata: apt-get could not install ninja-build", text)

    def test_the_lab_needs_python_before_anything_is_built(self):
        self.lacking("/usr/bin/python3")
        done = self.piped("--no-install", "run", "app", "-t", "xen", "--lab")
        self.assertEqual(done.returncode, 64)
        self.assertIn("python3", done.stderr)
        self.assertFalse((self.tree / "build").exists())
        # After `--`, the word belongs to the image and not to the script.
        self.assertEqual(self.piped("--no-install", "run", "app", "--", "--lab").returncode, 0)

    # Command lines that the script must refuse as the command does, while the command is not built.
    TYPED_WRONG = [
        ["buidl", "app"],
        ["flying"],
        ["version"],
        [""],
        ["--verison"],
        ["--bogus"],
        ["--target", "kvm", "run", "app"],
        ["help", "nosuch"],
        ["help", "biuld"],
        ["run", "nope"],
        ["run", "app/config.cpp"],
        ["run", "empty"],
        ["build"],
        ["query", "image"],
        ["build", "app", "another"],
        ["test", "another"],
        ["test", "--logn"],
        ["build", "app", "--", "--x=1"],
        ["run", "app", "-t", "kmv"],
        ["run", "app", "-tkmv"],
        ["run", "app", "--target=kmv"],
        ["run", "app", "-t"],
        ["run", "app", "--target", "--net", "host"],
        ["run", "app", "-t", ""],
        ["run", "app", "--pcap", ""],
        ["run", "app", "--build-dir="],
        ["run", "app", "--net", "other"],
        ["run", "app", "-t", "kvm", "--net", "host"],
        ["run", "app", "--plain"],
        ["run", "app", "--lab"],
        ["run", "app", "--lab", "-t", "kvm"],
        ["run", "app", "-t", "kvm", "--accel", "magic"],
        ["run", "app", "-t", "kvm", "--machine", "toaster"],
        ["run", "app", "-t", "kvm", "--memory", "0"],
        ["run", "app", "-t", "kvm", "--memory", "big"],
        ["run", "app", "--port", "99"],
        ["run", "app", "-forward", "1:1"],
        ["run", "--memry", "9", "app"],
        ["build", "app", "--disk", "x"],
        ["build", "app", "--bogus"],
        ["new", "A"],
        ["new", "app"],
        ["new", "nowhere/A"],
        ["new", "x", "--template", "bogus"],
    ]

    def test_a_typing_error_is_refused_before_anything_is_installed_or_built(self):
        self.made_app()
        (self.folder / "empty").mkdir()
        self.lacking()
        for words in self.TYPED_WRONG:
            with self.subTest(words):
                own = fata(*words, command=[str(TOOL)], cwd=self.folder)
                done = fata(
                    *words,
                    command=[str(self.tree / "fata")],
                    cwd=self.folder,
                    env=self.environment(),
                )
                self.assertEqual((done.returncode, done.stdout, done.stderr), (64, "", own.stderr))
                self.assertEqual((own.returncode, own.stderr.count("\n")), (64, 1), own.stderr)
        self.assertEqual(self.log.read_text(), "")
        self.assertFalse((self.tree / "build").exists())

    def test_what_is_typed_right_is_not_refused(self):
        self.made_app()
        for words in (
            ["run", "app", "-tkvm", "--accel=tcg", "--machine", "q35", "--memory", "64", "-v"],
            ["run", "-t", "xen", "--lab", "app", "--", "--target=kmv", "nope"],
            ["query", "app", "size", "--json", "-D", "x=1", "-Dy=2"],
            ["clean", "app", "--all"],
            ["new", "new-one", "--template", "udp"],
            ["new", "."],
        ):
            with self.subTest(words):
                shutil.rmtree(self.tree / "build", ignore_errors=True)
                done = fata(
                    *words,
                    command=[str(self.tree / "fata")],
                    cwd=self.folder,
                    env=self.environment(),
                )
                self.assertEqual(
                    (done.returncode, done.stdout), (0, f"ran: {' '.join(words)}\n"), done.stderr
                )

    def test_no_folder_for_temporary_files_is_needed(self):
        self.lacking()
        for way in (self.piped, self.typed):
            for folder in (str(self.folder / "missing"), str(self.log), "relative", ""):
                with self.subTest(folder=folder, way=way.__name__):
                    shutil.rmtree(self.tree / "build", ignore_errors=True)
                    self.ninja('test -z "${TMPDIR+x}" || exit 9; echo "[1/2] Building"')
                    done = way("-y", "build", "app", TMPDIR=folder)
                    status, text = done if way == self.typed else (done.returncode, done.stdout)
                    self.assertEqual(status, 0, done)
                    self.assertIn("ran: build app", text)


class Help(FataTest):
    def test_the_help_that_needs_no_build_is_the_commands_own(self):
        for file in sorted((ROOT / "tool/help").glob("*.txt")):
            words = ["help"] + [file.stem] * (file.stem != "fata")
            own = fata(*words, command=[str(TOOL)])
            self.assertEqual(
                own.stdout,
                file.read_text(),
                f"to write it again: {TOOL} {' '.join(words)} > {file}",
            )

    def test_each_command_has_one(self):
        listed = (
            fata("help", command=[str(TOOL)]).stdout.split("Subcommands:\n")[1].split("\n\n")[0]
        )
        names = {line.split()[0] for line in listed.splitlines() if line[:2] == "  " != line[2:4]}
        self.assertEqual(
            names | {"fata"}, {file.stem for file in (ROOT / "tool/help").glob("*.txt")}
        )


if __name__ == "__main__":
    unittest.main(verbosity=2)
