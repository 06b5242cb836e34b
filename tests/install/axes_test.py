"""The options that select what a build tree is for, FATA_PLATFORM and FATA_ARCH: wrong values, and
the option of earlier versions, FATA_TARGET.
"""
import re
import subprocess
import unittest

from fata import ARCH, ROOT, FataTest

CLANG = ("-DCMAKE_C_COMPILER=clang-19", "-DCMAKE_CXX_COMPILER=clang++-19")
KERNEL = ("--toolchain", f"{ROOT}/cmake/toolchain-kernel-{ARCH}.cmake")


class Axes(FataTest):
    def configured(self, *options):
        """CMake's status, and its errors in one line."""
        line = ["cmake", "-S", ROOT, "-B", self.folder / "build", "-G", "Ninja", *options]
        done = subprocess.run(line, text=True, capture_output=True)
        return done.returncode, re.sub(r"\s+", " ", done.stderr)

    def test_a_value_that_cannot_be_built_is_an_error_that_names_what_can(self):
        cases = {
            (*CLANG, "-DFATA_TARGET=linux"): "use -DFATA_PLATFORM=process in place of linux",
            (
                *KERNEL,
                "-DFATA_TARGET=kvm",
            ): "-DFATA_PLATFORM=kernel -DFATA_ARCH=PROCESSOR in place of kvm",
            (*CLANG, "-DFATA_PLATFORM=kvm"): "FATA_PLATFORM is process or kernel, not kvm",
            (
                *CLANG,
                "-DFATA_PLATFORM=kernel",
            ): f"Kernels need --toolchain cmake/toolchain-kernel-{ARCH}.cmake",
            (
                *CLANG,
                "-DFATA_PLATFORM=kernel",
                "-DFATA_ARCH=vax",
            ): f"no kernels for the processor vax; cmake/ holds {KERNEL[1].split('/')[-1]}",
            (*CLANG, "-DFATA_ARCH=vax"): f"This toolchain compiles for {ARCH}, not vax",
        }
        for options, expected in cases.items():
            with self.subTest(options):
                status, said = self.configured("--fresh", *options)
                self.assertNotEqual(status, 0)
                self.assertIn(expected, said)

    def test_a_tree_of_an_earlier_version_is_configured_again(self):
        build = self.folder / "build"
        build.mkdir()
        for target, good in (("linux", True), ("kvm", False)):
            (build / "CMakeCache.txt").write_text(f"//linux or kvm\nFATA_TARGET:STRING={target}\n")
            status, said = self.configured(*CLANG)
            self.assertEqual(status == 0, good, said)
        (build / "CMakeCache.txt").unlink()
        self.assertEqual(self.configured(*CLANG), (0, ""))
        # An option given by hand is an error although the tree is right.
        self.assertNotEqual(self.configured("-DFATA_TARGET=linux")[0], 0)


if __name__ == "__main__":
    unittest.main()
