"""Failures to create a fresh Debian: only a mirror that does not answer is a reason to skip."""
import os
import pathlib
import tempfile
import unittest
from unittest import mock

import debian


class Made(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.mirror = self.folder / "mirror"
        (self.mirror / "dists/bookworm").mkdir(parents=True)
        (self.mirror / "dists/bookworm/InRelease").write_text("signed\n")
        self.bin = self.folder / "bin"
        self.bin.mkdir()
        self.debootstrap = self.bin / "debootstrap"
        self.debootstrap.write_text("#!/bin/sh\necho W: odd; echo E: no space left >&2; exit 1\n")
        self.debootstrap.chmod(0o755)

    def make(self, mirror, path=None):
        """Makes a Base with this mirror (a folder) and the debootstrap of self.bin."""
        known = ([], f"copy:{mirror}")
        path = {"PATH": f"{self.bin}:{os.environ['PATH'] if path is None else path}"}
        with mock.patch.object(debian, "sources", lambda: known), mock.patch.dict(os.environ, path):
            debian.Base(self.folder)

    def test_a_mirror_that_does_not_answer_is_a_reason_to_skip(self):
        with self.assertRaisesRegex(debian.NoMirror, "nowhere does not answer: E: Failed to fetch"):
            self.make(self.folder / "nowhere")

    def test_a_debootstrap_that_fails_is_a_failure(self):
        with self.assertRaisesRegex(RuntimeError, "(?s)debootstrap .* failed:.*E: no space left"):
            self.make(self.mirror)

    def test_no_debootstrap_is_a_failure(self):
        self.debootstrap.unlink()
        with self.assertRaisesRegex(RuntimeError, "debootstrap is not installed"):
            self.make(self.mirror, path="")


if __name__ == "__main__":
    unittest.main()
