"""An out-of-tree application builds for every target from an installed Fata, and from its Debian
package at /usr.
"""
import gzip
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from fata import BUILD, FATA, KERNELS, PROCESSES, ROOT, FataTest

NOOP = "examples/tutorial/noop"
SITE = pathlib.Path(__file__).resolve().parent / "site"
WELCOME = "Welcome to the site.\n"


def checked(*line, cwd=None):
    """The output of a program that must succeed."""
    done = subprocess.run(
        [str(word) for word in line],
        cwd=cwd,
        text=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    if done.returncode != 0:
        raise AssertionError(f"{line}\n{done.stdout}\n{done.stderr}")
    return done.stdout.replace("\r", "")


class Install(FataTest):
    check = staticmethod(checked)

    @classmethod
    def setUpClass(cls):
        """Builds the libraries for both targets, and the command itself."""
        for target, tree in (("linux", PROCESSES), ("kvm", KERNELS)):
            folder = BUILD / f"noop-{target}"
            checked(*FATA, "build", NOOP, "-t", target, "--build-dir", folder, cwd=ROOT)
            checked("ninja", "-C", ROOT / "build" / tree)
        cls.unpacked = None

    def setUp(self):
        super().setUp()
        self.site = self.folder / "site"
        shutil.copytree(SITE, self.site)

    def use(self, prefix):
        # The source tree is not used: the command is the installed one, and no file under the
        # prefix names the tree.
        fata = prefix / "bin/fata"
        for target in ("linux", "kvm"):
            self.assertEqual(self.check(fata, "run", "-t", target, cwd=self.site), WELCOME)
        # Its help does not mention features that exist only in a clone.
        for words in ([], ["build", "--help"], ["help", "test"]):
            self.assertNotIn("./fata", self.check(fata, *words, cwd=self.site))
        for file in (prefix / "lib/cmake/fata").rglob("*.cmake"):
            self.assertNotIn(str(ROOT), file.read_text(), file)
        for file in (
            self.site / ".fata/linux/config.d",
            *(self.site / ".fata").glob("*/CMakeLists.txt"),
        ):
            self.assertNotIn(str(ROOT), file.read_text(), file)

    def test_cmake_install_then_five_lines_of_cmake(self):
        prefix = self.folder / "prefix"
        for tree in (PROCESSES, KERNELS):
            self.check("cmake", "--install", ROOT / "build" / tree, "--prefix", prefix)
        self.use(prefix)
        build = self.folder / "site-build"
        self.check(
            "cmake",
            "-S",
            self.site,
            "-B",
            build,
            "-G",
            "Ninja",
            f"-DCMAKE_PREFIX_PATH={prefix}",
            "-DCMAKE_CXX_COMPILER=clang++-19",
        )
        self.check("ninja", "-C", build)
        self.assertEqual(self.check(build / "site-linux/build/site"), WELCOME)
        self.assertTrue((build / "site-kvm/build/site.img").exists())

    @classmethod
    def package(cls):
        """The package's file, and a folder that stands for /. Tests share them and change neither,
        because packing is slow.
        """
        if not cls.unpacked:
            folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
            folder.chmod(0o755)
            trees = [ROOT / "build" / tree for tree in (PROCESSES, KERNELS)]
            checked(ROOT / ".ci/package", folder / "out", *trees)
            (file,) = (folder / "out").iterdir()
            checked("dpkg-deb", "-x", file, folder / "root")
            cls.unpacked = file, folder / "root"
        return cls.unpacked

    def test_the_debian_package_says_what_it_needs_and_documents_itself(self):
        package, root = self.package()
        fields = self.check("dpkg-deb", "--field", package)
        self.assertIn("Package: fata\n", fields)
        depends = re.search(r"^Depends: (.*)$", fields, re.MULTILINE)[1].split(", ")
        for needed in (
            "clang-19",
            "lld-19",
            "libc++-19-dev",
            "llvm-19",
            "cmake (>= 3.25)",
            "ninja-build",
            "musl-dev",
        ):
            self.assertIn(needed, depends)
        self.assertRegex(fields, r"(?m)^Depends: libc6 \(>= 2\.[0-9]+\), ")
        # If QEMU were recommended, apt would install a desktop with it.
        self.assertRegex(fields, r"(?m)^Suggests: qemu-system-x86, python3\b")
        self.assertNotRegex(fields, r"(?m)^Recommends:.*qemu")
        sums = self.check("dpkg-deb", "--info", package, "md5sums")
        self.assertIn("  usr/bin/fata\n", sums)

        doc = root / "usr/share/doc/fata"
        self.assertIn("Permission to use, copy, modify", (doc / "copyright").read_text())
        self.assertIn("urgency=", gzip.decompress((doc / "changelog.gz").read_bytes()).decode())
        page = gzip.decompress((root / "usr/share/man/man1/fata.1.gz").read_bytes()).decode()
        for command in ("new", "build", "run", "query", "clean"):
            self.assertIn(f'.SH "fata {command}"\n', page)
        self.assertIn("\\-\\-build\\-dir", page)
        self.assertNotIn("./fata", page)
        for file in root.rglob("*"):
            mode = file.lstat().st_mode & 0o777
            self.assertIn(mode, (0o755,) if file.is_dir() else (0o644, 0o755), file)

    def test_bash_completes_commands_options_and_targets(self):
        completion = ROOT / "packaging/completion/fata.bash"
        tool = ROOT / "build" / PROCESSES / "tool"
        cases = [
            (["fata", "de"], ["describe"]),
            (["fata", "run", "--bu"], ["--build-dir"]),
            (["fata", "run", "-t", "k"], ["kvm"]),
            (["fata", "build", "--net", ""], ["host", "direct"]),
            (["fata", "run", "--", "--he"], []),
            (["fata", "help", "q"], ["query"]),
        ]
        for words, expected in cases:
            script = (
                f'. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() {{ :; }};'
                f' COMPREPLY=(); _fata; printf "%s\\n" "${{COMPREPLY[@]}}"'
            )
            done = subprocess.run(
                ["bash", "-c", script, "bash", str(completion), *words],
                text=True,
                capture_output=True,
                env={**os.environ, "PATH": f"{tool}:{os.environ['PATH']}"},
            )
            self.assertEqual((done.stdout.split(), done.stderr), (expected, ""), words)

    def test_the_package_installed_at_usr_builds_every_target(self):
        # The package's /usr is overlaid on the machine's, in a separate mount namespace.
        if os.geteuid() != 0:
            self.skipTest("the_package_installed_at_usr: mounting needs root")
        _, root = self.package()
        script = (
            'set -e; mount -t overlay fata -o lowerdir="$1/usr:/usr" /usr; cd "$2"; for t in linux'
            " kvm; do /usr/bin/fata run -t $t; done; /usr/bin/fata build -t xen >&2; setpriv"
            " --reuid=64321 --regid=64321 --clear-groups env HOME=/nonexistent /usr/bin/fata run"
            ' --build-dir "$3"'
        )
        self.folder.chmod(0o755)
        others = self.folder / "of another user, without a home"
        others.mkdir()
        os.chown(others, 64321, 64321)
        output = self.check("unshare", "--mount", "sh", "-c", script, "sh", root, self.site, others)
        self.assertEqual(output, WELCOME * 3)
        self.assertTrue((self.site / ".fata/xen/build/site.img").exists())
        for file in (self.site / ".fata").glob("*/CMakeLists.txt"):
            self.assertIn('set(fata_DIR "/usr/lib/cmake/fata")', file.read_text())


if __name__ == "__main__":
    unittest.main()
