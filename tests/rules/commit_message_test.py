"""The commit-msg hook, which refuses long subjects, and its installation in a clone by ./fata."""

import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOOK = ROOT / ".githooks" / "commit-msg"


class CommitMessage(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="un dépôt ")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def check(self, message):
        file = self.folder / "MESSAGE"
        file.write_text(message)
        return subprocess.run(
            [HOOK, file], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C.UTF-8"}
        )

    def test_a_subject_of_72_columns_passes(self):
        for message in (
            "net: " + 67 * "x",
            "net: " + 67 * "é" + "\n\n" + 200 * "body ",
            "# a comment of the editor's, " + 80 * "x" + "\n\nnet: short\n",
            "fixup! " + 72 * "x",
        ):
            with self.subTest(message):
                done = self.check(message)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_longer_one_is_refused_with_its_length(self):
        for subject in ("net: " + 68 * "x", 73 * "é"):
            with self.subTest(subject):
                done = self.check(subject + "\n\nbody\n")
                self.assertEqual(done.returncode, 1)
                self.assertEqual(
                    done.stderr,
                    f"commit-msg: the subject has 73 columns, at most 72 are allowed: {subject}\n",
                )

    def install(self):
        """Runs the script's own function, as a build does."""
        script = (ROOT / "fata").read_text()
        start = script.index("install_hook() {")
        function = script[start : script.index("\n}\n", start) + 3]
        self.assertRegex(script, r"(?m)^ +install_hook$", "nothing calls it")
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", f"root=$1; {function} install_hook", "bash",
             self.folder],
            capture_output=True, text=True,
        )  # fmt: skip

    def test_git_runs_it_in_a_clone_that_fata_was_used_in(self):
        def git(*words):
            return subprocess.run(
                ["git", "-C", self.folder, *words],
                capture_output=True,
                text=True,
                env={
                    **os.environ,
                    "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org",
                    "GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org",
                    "LC_ALL": "C.UTF-8",
                },
            )  # fmt: skip

        git("init", "-q")
        (self.folder / ".githooks").symlink_to(HOOK.parent)
        done = self.install()
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(git("config", "core.hooksPath").stdout, ".githooks\n")
        self.assertEqual(git("commit", "-q", "--allow-empty", "-m", 72 * "x").returncode, 0)
        self.assertIn("73 columns", git("commit", "-q", "--allow-empty", "-m", 73 * "x").stderr)
        # An existing setting is kept.
        git("config", "core.hooksPath", "elsewhere")
        self.install()
        self.assertEqual(git("config", "core.hooksPath").stdout, "elsewhere\n")

    def test_without_a_repository_nothing_happens(self):
        done = self.install()
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))


if __name__ == "__main__":
    unittest.main()
