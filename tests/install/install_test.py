"""An out-of-tree application builds for both targets from an installed Fata, and from its Debian package."""
import pathlib
import shutil
import subprocess
import unittest

from fata import ROOT, FataTest

SITE = pathlib.Path(__file__).resolve().parent / "site"
WELCOME = "Welcome to the site.\n"


class Install(FataTest):
    def check(self, *line, cwd=None):
        done = subprocess.run([str(word) for word in line], cwd=cwd, text=True, stdin=subprocess.DEVNULL, capture_output=True)
        self.assertEqual(done.returncode, 0, f"{line}\n{done.stdout}\n{done.stderr}")
        return done.stdout.replace("\r", "")

    def setUp(self):
        super().setUp()
        # Both builds of the libraries, and the command itself.
        for target in ("linux", "kvm"):
            self.run_fata("build", "examples/tutorial/noop", "-t", target, "--build-dir", self.folder / target)
            self.check("ninja", "-C", ROOT / "build" / target)
        self.site = self.folder / "site"
        shutil.copytree(SITE, self.site)

    def use(self, prefix):
        # The source tree plays no part: the command is the installed one, and no file under the prefix names the tree.
        fata = prefix / "bin/fata"
        for target in ("linux", "kvm"):
            self.assertEqual(self.check(fata, "run", "-t", target, cwd=self.site), WELCOME)
        for file in (prefix / "lib/cmake/fata").rglob("*.cmake"):
            self.assertNotIn(str(ROOT), file.read_text(), file)
        for file in (self.site / ".fata/linux/config.d", *(self.site / ".fata").glob("*/CMakeLists.txt")):
            self.assertNotIn(str(ROOT), file.read_text(), file)

    def test_cmake_install_then_five_lines_of_cmake(self):
        prefix = self.folder / "prefix"
        for target in ("linux", "kvm"):
            self.check("cmake", "--install", ROOT / "build" / target, "--prefix", prefix)
        self.use(prefix)
        build = self.folder / "site-build"
        self.check("cmake", "-S", self.site, "-B", build, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}",
                   "-DCMAKE_CXX_COMPILER=clang++-19")
        self.check("ninja", "-C", build)
        self.assertEqual(self.check(build / "site-linux/build/site"), WELCOME)
        self.assertTrue((build / "site-kvm/build/site.img").exists())

    def test_the_debian_package(self):
        self.check(ROOT / ".ci/package", self.folder)
        package = next(self.folder.glob("fata_*.deb"))
        fields = self.check("dpkg-deb", "--field", package, "Package", "Depends")
        self.assertIn("Package: fata\n", fields)
        for needed in ("clang-19", "lld-19", "libc++-19-dev", "llvm-19", "cmake", "ninja-build", "musl-dev"):
            self.assertIn(needed, fields)
        root = self.folder / "root"
        self.check("dpkg-deb", "-x", package, root)
        self.use(root / "usr")


if __name__ == "__main__":
    unittest.main()
