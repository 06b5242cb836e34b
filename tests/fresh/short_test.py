"""The first minute on this machine, without apt.

A clone in `my dépôt`, an empty home, a terminal, no network; then a second user, a read-only
tree, and folders that CMake cannot build in.

The test runs in its own mount and network namespaces. In them, the clone has the same path each
time, so that a compiler cache helps regardless of the tested tree's path."""
import os
import pathlib
import platform
import re
import shlex
import shutil
import subprocess
import sys
import unittest

import readme
from session import Session

ROOT = pathlib.Path(__file__).resolve().parents[2]
SRV = pathlib.Path("/srv")
ARCH = platform.machine()
CLONE = SRV / "my dépôt"
OTHER = 64321  # the second user: no account is needed
CCACHE = os.environ.get("CCACHE_DIR", os.path.expanduser("~/.cache/ccache"))
README = (ROOT / "README.md").read_text()


def run(*words, cwd=SRV, user=None, env=None, timeout=1800):
    line = [str(word) for word in words]
    if user is not None:
        line = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *line]
    env = {
        name: value for name, value in {**os.environ, **(env or {})}.items() if value is not None
    }
    return subprocess.run(
        line,
        cwd=cwd,
        env=env,
        timeout=timeout,
        text=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )


def clone(to):
    """Copies the tree with uncommitted changes, without build output."""
    listed = (
        subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-zco", "--exclude-standard"],
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
        .stdout.decode()
        .split("\0")
    )
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)
    git = ["git", "-C", to, "-c", "user.name=fata", "-c", "user.email=fata@localhost"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *words], check=True)


def setUpModule():
    SRV.chmod(0o755)
    clone(CLONE)
    for name, user in (("home", 0), ("other home", OTHER), ("other", OTHER)):
        (SRV / name).mkdir()
        os.chown(SRV / name, user, user)
    os.environ.update(HOME=str(SRV / "home"), CCACHE_DIR=CCACHE, LC_ALL="C.UTF-8")
    os.environ.pop("XDG_CACHE_HOME", None)


class FirstMinute(unittest.TestCase):
    """The methods run in the order of their names, because they use earlier builds."""

    maxDiff = None

    def typed(self, command, cwd=CLONE, env=None):
        session = Session(["bash", "-c", f"exec {command}"], cwd, env)
        self.addCleanup(session.close)
        return session

    def finishes(self, command, **more):
        session = self.typed(command, **more)
        self.assertEqual(session.wait(), 0, f"{command}:\n{session.shown}")
        return session.left()

    def serves(self, command):
        """The DNS server answers the README's question, and Ctrl-C ends it with its statistics."""
        session = self.typed(command)
        session.expect("serving on port [0-9]+")
        (question,) = (line for line in readme.commands(README) if line.startswith("dig "))
        answer = run(*question.split())
        self.assertIn("status: NOERROR", answer.stdout)
        self.assertRegex(answer.stdout, r"(?m)^www\.example\.org\..*\sA\s")
        session.type("\x03")
        self.assertEqual(session.wait(60), 0, session.shown)
        self.assertIn("served: ", session.shown)

    def prints_help(self, command):
        self.assertIn("Usage: ", self.finishes(command))

    def prints_parameters(self, command):
        session = self.typed(command)
        self.assertEqual(session.wait(), 63, session.shown)
        self.assertIn("--port", session.shown)

    def makes_hello(self, command):
        self.finishes(command.replace("./fata", "'my dépôt/fata'"), cwd=SRV)
        folder = SRV / "hello"
        self.assertTrue((folder / "config.cpp").is_file())
        for name, text in readme.files(README):
            (SRV / name).write_text(text)

    def greets(self, command):
        self.assertIn(
            "Hello from hello!\n",
            self.finishes(command.replace("./fata", "'my dépôt/fata'"), cwd=SRV),
        )

    # The check for each command of the README. None: another test runs it.
    COMMANDS = {
        "./fata --help": prints_help,
        "./fata run apps/dns": serves,
        "dig @127.0.0.1 -p 1053 www.example.org A": None,  # asked by serves
        "./fata run apps/dns -t kvm": serves,
        "./fata run apps/dns -t xen --lab": None,  # long_test.py
        "./fata test": None,
        "./fata test --long": None,
        "./fata run apps/dns -- --help": prints_parameters,
        "./fata run apps/iperf": None,  # tests/e2e/net
        "./fata run apps/iperf -- --client=HOST": None,
        ".ci/package build": None,  # test_5
        # long_test.py
        "apt-get install --no-install-recommends ./build/fata_0.1.0_amd64.deb": None,
        "./fata new hello": makes_hello,
        "./fata run hello": greets,
        "./fata run hello -t kvm": greets,
    }

    def test_1_every_command_of_the_readme_on_a_terminal(self):
        commands = readme.commands(README)
        self.assertEqual(
            set(commands),
            set(self.COMMANDS),
            "the README's commands and those that are tested differ",
        )
        for command in commands:
            if check := self.COMMANDS[command]:
                with self.subTest(command):
                    check(self, command)

    def test_2_a_second_start_builds_nothing(self):
        shown = self.finishes("'my dépôt/fata' run hello", cwd=SRV)
        self.assertEqual(shown, "Hello from hello!\n")

    def test_3_an_application_is_copied_moved_and_edited(self):
        shutil.copytree(SRV / "hello", SRV / "copy of hello")
        header = SRV / "copy of hello/hello.hpp"
        header.write_text(header.read_text().replace("from hello", "from a copy"))
        self.assertIn(
            "Hello from a copy!\n", self.finishes("'my dépôt/fata' run 'copy of hello'", cwd=SRV)
        )
        (SRV / "copy of hello").rename(SRV / "moved é")
        self.assertIn(
            "Hello from a copy!\n", self.finishes("'my dépôt/fata' run 'moved é'", cwd=SRV)
        )

    def test_4_another_user_runs_an_application_from_this_tree(self):
        hello = SRV / "other/hello"
        shutil.copytree(SRV / "hello", hello, ignore=shutil.ignore_patterns(".fata"))
        for path in (hello, *hello.rglob("*")):
            os.chown(path, OTHER, OTHER)
        before = self.written()
        for home in (SRV / "other home", "/nonexistent"):
            done = run(
                CLONE / "fata",
                "run",
                hello,
                user=OTHER,
                env={"HOME": str(home), "CCACHE_DIR": None},
            )
            self.assertEqual(
                (done.returncode, done.stdout), (0, "Hello from hello!\n"), done.stderr
            )
            shutil.rmtree(hello / ".fata")
        self.assertEqual(self.written(), before)
        done = run(CLONE / "fata", "--version", user=OTHER, env={"HOME": "/nonexistent"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"^[0-9.]+ \([0-9a-f]+\)\n$")

    def written(self):
        return {
            str(path): path.stat().st_mtime_ns
            for path in CLONE.rglob("*")
            if ".git" not in path.parts
        }

    def test_5_the_package_is_made_in_such_a_path(self):
        """From the tested tree's libraries: long_test.py builds all of them in such a path."""
        trees = (ROOT / "build" / f"{name}-{ARCH}" for name in ("process", "kernel"))
        words = " ".join(shlex.quote(str(tree)) for tree in trees)
        self.finishes(f".ci/package ../packages {words}")
        (package,) = (SRV / "packages").iterdir()
        self.assertRegex(package.name, r"^fata_[0-9.]+_amd64\.deb$")

    def test_6_a_tree_that_cannot_be_written(self):
        subprocess.run(["mount", "--bind", CLONE, CLONE], check=True)
        subprocess.run(["mount", "-o", "remount,ro,bind", CLONE], check=True)
        try:
            done = run(CLONE / "fata", "run", SRV / "hello")
            self.assertEqual(
                (done.returncode, done.stdout), (0, "Hello from hello!\n"), done.stderr
            )
        finally:
            subprocess.run(["umount", CLONE], check=True)

    def test_7_a_command_that_must_be_built_for_another_user_is_built_in_the_cache(self):
        (CLONE / "tool/src/main.cpp").touch()
        hello = SRV / "other/hello"
        # Without a cache to build in, the command fails with one line.
        done = run(CLONE / "fata", "run", hello, user=OTHER, env={"HOME": "/nonexistent"})
        self.assertEqual(
            (done.returncode, done.stdout, done.stderr.count("\n")), (64, "", 1), done.stderr
        )
        self.assertIn("set XDG_CACHE_HOME", done.stderr)
        # As root on a read-only mount, so that the compiler's cache can be read and written.
        before = self.written()
        subprocess.run(["mount", "--bind", CLONE, CLONE], check=True)
        subprocess.run(["mount", "-o", "remount,ro,bind", CLONE], check=True)
        try:
            done = run(CLONE / "fata", "run", SRV / "hello")
            self.assertEqual(
                (done.returncode, done.stdout), (0, "Hello from hello!\n"), done.stderr
            )
            trees = SRV / "home/.cache/fata/trees" / CLONE.relative_to("/")
            tool = trees / f"process-{ARCH}/tool/fata"
            self.assertTrue(tool.is_file())
        finally:
            subprocess.run(["umount", CLONE], check=True)
        self.assertEqual(self.written(), before)

    def test_8_a_path_that_cmake_cannot_take_is_refused_before_anything_is_built(self):
        for character in ';"\\#<>|[]\n\t':
            with self.subTest(character):
                folder = SRV / f"a{character}b"
                folder.mkdir()
                shutil.copy(ROOT / "fata", folder)
                done = run(folder / "fata", "run", "hello")
                self.assertEqual((done.returncode, done.stdout), (64, ""))
                self.assertRegex(
                    done.stderr,
                    r"^fata: this clone's path .* CMake cannot build in: move or rename it\n$",
                )
                self.assertEqual([path.name for path in folder.iterdir()], ["fata"])


def main():
    if os.geteuid() != 0:
        print("fresh: skipped: namespaces and a second user need root")
        return 77
    if not os.environ.get("FATA_FRESH_FOLDER"):
        folder = pathlib.Path(os.environ.get("FATA_TEST_BUILD", "/var/tmp")) / "fresh"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        inside = [
            "sh",
            "-c",
            'mount --bind "$FATA_FRESH_FOLDER" /srv && ip link set lo up && exec "$@"',
            "sh",
            sys.executable,
            *sys.argv,
        ]
        try:
            return subprocess.run(
                ["unshare", "--mount", "--net", *inside],
                env={**os.environ, "FATA_FRESH_FOLDER": str(folder)},
            ).returncode
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    unittest.main()


if __name__ == "__main__":
    sys.exit(main())
