"""A copied, moved or renamed application builds from its own sources, never from the original's."""
import os
import pathlib
import shutil
import subprocess
import unittest

from fata import BUILD, FATA, LONG, ROOT, FataTest

ANEW = " was made for another folder, Fata or compiler: building it again\n"


class Moved(FataTest):
    def made(self, name="first"):
        self.run_fata("new", name, cwd=self.folder)
        return self.folder / name

    def says(self, app, text, *words):
        done = self.run_fata("run", app, *words, cwd=self.folder)
        self.assertEqual(done.stdout, text, done.stderr)
        return done.stderr

    def edit(self, app, text):
        source = app / "first.hpp"
        source.write_text(source.read_text().replace(" from first!", text))

    def test_a_copy_runs_its_own_code_whatever_is_edited(self):
        first = self.made()
        self.says("first", "Hello from first!\n")
        for copy in (["cp", "-a"], ["cp", "-r"]) if LONG else (["cp", "-a"],):
            with self.subTest(copy=copy):
                name = "second" + copy[1]
                subprocess.run([*copy, first, self.folder / name], check=True)
                self.edit(self.folder / name, " from the copy!")
                self.assertIn(
                    f"fata: {self.folder}/{name}/.fata/linux" + ANEW,
                    self.says(name, "Hello from the copy!\n"),
                )
                config = self.folder / name / "config.cpp"
                config.write_text(config.read_text().replace('"Hello"', '"Good day"'))
                self.assertNotIn(ANEW, self.says(name, "Good day from the copy!\n"))
        self.says("first", "Hello from first!\n")

    def test_a_copy_for_a_kernel_runs_its_own_code(self):
        first = self.made()
        self.run_fata("build", "first", "-t", "kvm", cwd=self.folder)
        shutil.copytree(first, self.folder / "second")
        self.edit(self.folder / "second", " from the copy!")
        self.says("second", "Hello from the copy!\n", "-t", "kvm", "--accel", "tcg")
        script = (self.folder / "second/.fata/kvm/first.qemu.sh").read_text()
        self.assertIn(f"{self.folder}/second/.fata/kvm/build/first.img", script)

    def test_a_moved_folder_and_one_that_is_reached_by_a_link(self):
        first = self.made()
        self.says("first", "Hello from first!\n")
        first.rename(self.folder / "third")
        self.says("third", "Hello from first!\n")
        (self.folder / "link").symlink_to("third")
        self.assertEqual(self.says("link", "Hello from first!\n"), "")
        self.edit(self.folder / "third", ", edited")
        self.says("link", "Hello, edited\n")

    def test_a_copy_in_the_place_of_the_first_builds_what_was_edited_before_it(self):
        first = self.made()
        self.says("first", "Hello from first!\n")
        self.edit(first, ", edited")
        os.utime(first / "first.hpp", (1_500_000_000, 1_500_000_000))
        # The copy resets the modification times, so the image is now as new as its source.
        subprocess.run(["cp", "-r", first, self.folder / "aside"], check=True)
        shutil.rmtree(first)
        (self.folder / "aside").rename(first)
        os.utime(first / "first.hpp", (1_500_000_000, 1_500_000_000))
        self.says("first", "Hello, edited\n")

    def test_one_build_folder_for_two_applications_holds_that_of_the_last(self):
        self.made()
        second = self.folder / "other"
        shutil.copytree(self.folder / "first", second)
        self.edit(second, ", otherwise")
        folder = self.folder / "build"
        self.says("first", "Hello from first!\n", "--build-dir", folder)
        self.says("other", "Hello, otherwise\n", "--build-dir", folder)
        self.says("first", "Hello from first!\n", "--build-dir", folder)

    def test_one_build_folder_for_two_targets_holds_that_of_the_last(self):
        self.made()
        folder = self.folder / "build"
        for target in ("linux", "kvm", "linux"):
            image = self.run_fata(
                "build", "first", "-t", target, "--build-dir", folder, cwd=self.folder
            ).stdout.splitlines()[0]
            self.assertEqual(
                pathlib.Path(image).name, "first" if target == "linux" else "first.img"
            )
        self.assertEqual(
            subprocess.run([image], text=True, capture_output=True).stdout, "Hello from first!\n"
        )

    def test_the_image_stays_until_the_build_that_replaces_it_works(self):
        first = self.made()
        self.says("first", "Hello from first!\n")
        copy = self.folder / "second"
        shutil.copytree(first, copy)
        self.edit(copy, '";')
        self.run_fata("build", "second", status=1, cwd=self.folder)
        self.assertEqual(
            subprocess.run(
                [copy / ".fata/linux/build/first"], text=True, capture_output=True
            ).stdout,
            "Hello from first!\n",
        )

    def test_another_compiler_begins_anew(self):
        self.made()
        self.says("first", "Hello from first!\n")
        tools = self.folder / "tools"
        tools.mkdir()
        (tools / "clang++-19").symlink_to(shutil.which("clang++-19"))
        done = self.run_fata(
            "run", "first", cwd=self.folder, env={"PATH": f"{tools}:{os.environ['PATH']}"}
        )
        self.assertIn(ANEW, done.stderr)
        self.assertEqual(done.stdout, "Hello from first!\n")
        self.assertIn(
            str(tools), (self.folder / "first/.fata/linux/build/CMakeCache.txt").read_text()
        )


if __name__ == "__main__":
    unittest.main()
