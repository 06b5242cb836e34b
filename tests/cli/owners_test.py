"""Applications in read-only folders: one line names the owner; --build-dir works."""
import os
import shlex
import subprocess
import unittest

from fata import FATA, LONG, FataTest

OTHER = 65533  # a uid that no account has
MEND = "build in a folder of your own with --build-dir FOLDER"


def may_mount():
    return subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


class Owners(FataTest):
    def setUp(self):
        super().setUp()
        os.chmod(self.folder, 0o755)
        self.run_fata("new", "app", cwd=self.folder)

    def as_other(self, *words, **environment):
        home = self.folder / "home"
        if not home.exists():
            home.mkdir()
            os.chown(home, OTHER, OTHER)
        return subprocess.run(
            [
                "setpriv",
                f"--reuid={OTHER}",
                f"--regid={OTHER}",
                "--clear-groups",
                *FATA,
                *map(str, words),
            ],
            text=True,
            capture_output=True,
            env={**os.environ, "HOME": str(home), **environment},
            cwd=self.folder,
        )

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to be another user")
    def test_somebody_elses_folder(self):
        app = self.folder / "app"
        for words in (
            ["build", "app"],
            ["run", "app"],
            ["describe", "app"],
            ["configure", "app", "-t", "kvm"],
        ):
            folder = f"{app}/.fata/{'kvm' if 'kvm' in words else 'linux'}"
            done = self.as_other(*words)
            self.assertEqual(
                (done.returncode, done.stderr),
                (64, f"fata: {folder}: cannot be written: {app} belongs to root; {MEND}\n"),
            )
        own = self.folder / "home/build"
        done = self.as_other("configure", "app", "--build-dir", own)
        self.assertEqual((done.returncode, done.stdout), (0, f"{own}\n"), done.stderr)
        self.assertTrue((own / "main.cpp").exists())

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to be another user")
    def test_somebody_elses_builds_in_ones_own_folder(self):
        app = self.folder / "app"
        self.run_fata("configure", "app", cwd=self.folder)
        os.chown(app, OTHER, OTHER)
        done = self.as_other("build", "app")
        self.assertEqual(
            (done.returncode, done.stderr),
            (
                64,
                (
                    f"fata: {app}/.fata/linux: cannot be written: "
                    f"{app}/.fata/linux belongs to root; {MEND}\n"
                ),
            ),
        )

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to be another user")
    def test_a_new_application_in_somebody_elses_folder(self):
        done = self.as_other("new", "other")
        self.assertEqual(
            (done.returncode, done.stderr),
            (64, "fata: fata new other: other cannot be made: Permission denied\n"),
        )

    # A folder that the other user may not enter.
    def closed(self):
        folder = self.folder / "closed"
        folder.mkdir()
        folder.chmod(0o700)
        return folder

    def others(self, name):
        """An application that belongs to the other user."""
        self.run_fata("new", name, cwd=self.folder)
        for path in (self.folder / name, *(self.folder / name).iterdir()):
            os.chown(path, OTHER, OTHER)
        return self.folder / name

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to be another user")
    def test_a_home_or_a_cache_that_may_not_be_entered(self):
        self.run_fata("build", self.others("own"))  # also builds the libraries
        subprocess.run(["rm", "-r", self.folder / "own/.fata"], check=True)
        closed = str(self.closed())
        cases = (
            {"HOME": closed},
            {"HOME": closed + "/home"},
            {"XDG_CACHE_HOME": closed + "/cache"},
            {"CCACHE_DIR": closed + "/ccache"},
            {"HOME": closed, "TMPDIR": "/nonexistent/tmp"},
            {"HOME": closed, "TMPDIR": closed + "/tmp"},
            {"HOME": closed, "TMPDIR": closed},
        )
        for variables in cases if LONG else cases[1::2]:
            for words in (["run", "own"], ["describe", "own"], ["--version"], ["clean", "own"]):
                with self.subTest(variables=variables, words=words):
                    done = self.as_other(*words, **variables)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertNotIn("filesystem", done.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to be another user")
    def test_a_folder_that_may_not_be_entered(self):
        closed = self.closed()
        self.run_fata("new", "hidden", cwd=closed)
        why = "Permission denied"
        own = self.others("own")
        for words, line in {
            ("build", closed / "hidden"): f"{closed}/hidden: cannot be entered: {why}",
            ("run", closed): f"{closed}: cannot be entered: {why}",
            ("query", closed / "hidden", "name"): f"{closed}/hidden: cannot be entered: {why}",
            ("new", closed / "x"): f"fata new {closed}/x: {closed}/x cannot be made: {why}",
            (
                "run",
                own,
                "--build-dir",
                closed / "x",
            ): f"{closed}/x: cannot be written: {closed} belongs to root; {MEND}",
            (
                "clean",
                own,
                "--build-dir",
                closed / "x",
            ): f"{closed}/x: cannot be removed: {why} ({closed} belongs to root)",
        }.items():
            with self.subTest(words=words):
                done = self.as_other(*words)
                self.assertEqual(
                    (done.returncode, done.stdout, done.stderr), (64, "", f"fata: {line}\n")
                )

    @unittest.skipUnless(os.geteuid() == 0, "needs root, to be another user")
    def test_builds_of_roots_are_not_cleaned_by_another_user(self):
        own = self.others("own")
        self.run_fata("configure", own)
        for more, folder, why in (
            ([], ".fata/linux", "Permission denied"),
            (["--all"], ".fata", "Directory not empty"),
        ):
            done = self.as_other("clean", own, *more)
            self.assertEqual((done.returncode, done.stdout), (64, ""))
            self.assertEqual(
                done.stderr,
                (
                    f"fata: {own}/{folder}: cannot be removed: {why} "
                    f"({own}/{folder} belongs to root)\n"
                ),
            )
            self.assertTrue((own / ".fata/linux/plan.json").exists())

    @unittest.skipUnless(may_mount(), "needs the right to mount")
    def test_a_read_only_file_system(self):
        app = self.folder / "app"
        frozen = f"mount --bind {app} {app} && mount -o remount,ro,bind {app} && "
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", frozen + shlex.join([*FATA, "build", str(app)])],
            text=True,
            capture_output=True,
        )
        self.assertEqual(
            (done.returncode, done.stderr),
            (
                64,
                (
                    f"fata: {app}/.fata/linux: cannot be written: "
                    f"its file system is read-only; {MEND}\n"
                ),
            ),
        )
        line = shlex.join([*FATA, "run", str(app), "--build-dir", str(self.folder / "build")])
        done = subprocess.run(
            ["unshare", "-m", "sh", "-c", frozen + line], text=True, capture_output=True
        )
        self.assertEqual((done.returncode, done.stdout), (0, "Hello from app!\n"), done.stderr)
        self.assertEqual(sorted(os.listdir(app)), [".gitignore", "app.hpp", "config.cpp"])


if __name__ == "__main__":
    unittest.main()
