"""A newcomer on a fresh Debian 12.

Types the README's commands on a terminal, as root and as a user with sudo, and installs the
package. Each machine is a separate root; packages come from this machine's mirror. Without a
mirror, the test is skipped."""
import filecmp
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

import readme
from debian import Base, Machine, NoMirror
from short_test import README, clone

BASE = None
PASSWORD = "engine"  # of ada, a user with sudo


class Fresh(unittest.TestCase):
    def finishes(self, machine, command, cwd, user="root", answers=(), status=0):
        """Types the command and the answers to its questions; returns the text left on the
        screen.
        """
        session = machine.type(command, cwd, user)
        self.addCleanup(session.close)
        for question, answer in answers:
            session.expect(question, 1800)
            session.type(answer)
        self.assertEqual(session.wait(3000), status, f"{command}:\n{session.shown[-4000:]}")
        return session.left()

    def serves(self, machine, command, cwd, user="root", answers=()):
        session = machine.type(command, cwd, user)
        self.addCleanup(session.close)
        for question, answer in answers:
            session.expect(question, 1800)
            session.type(answer)
        session.expect("serving on port [0-9]+", 3000)
        (question,) = (line for line in readme.commands(README) if line.startswith("dig "))
        answer = subprocess.run(question.split(), text=True, capture_output=True)
        self.assertIn("status: NOERROR", answer.stdout)
        session.type("\x03")
        self.assertEqual(session.wait(120), 0, session.shown[-4000:])
        self.assertIn("served: ", session.shown)

    def machine(self, name, owner="root"):
        """A fresh machine with a clone in a folder called `my dépôt`, and the clone's folder."""
        machine = Machine(BASE, name)
        folder = pathlib.Path("/root" if owner == "root" else f"/home/{owner}") / "my dépôt"
        inside = machine.root / folder.relative_to("/")
        clone(inside)
        if owner != "root":
            done = machine.run(f"chown -R {owner}:{owner} '{folder}'")
            self.assertEqual(done.returncode, 0, done.stderr)
        return machine, folder

    def packages(self, machine):
        return machine.run("dpkg-query -f '${Package}\\n' -W").stdout.split()

    def test_1_root_types_the_readme_and_makes_the_package(self):
        machine, folder = self.machine("as-root")
        before = self.packages(machine)
        self.assertIn("Usage: ", self.finishes(machine, "./fata --help", folder))
        self.assertRegex(
            self.finishes(machine, "./fata --version", folder), r"^[0-9.]+ \([0-9a-f]+\)\n$"
        )
        refused = machine.run("./fata --no-install run apps/dns", folder)
        self.assertEqual((refused.returncode, refused.stderr.count("\n")), (64, 1), refused.stderr)
        self.finishes(
            machine, "./fata run apps/dns", folder, answers=[(r"\[Y/n\]", "n\n")], status=64
        )
        self.assertEqual(self.packages(machine), before)
        install = [(r"\[Y/n\]", "\n")]
        self.serves(machine, "./fata run apps/dns", folder, answers=install)
        self.serves(machine, "./fata run apps/dns -t kvm", folder, answers=install)
        self.serves(machine, "./fata run apps/dns -t xen --lab", folder, answers=install)
        self.finishes(machine, "./fata new hello", folder)
        for name, text in readme.files(README):
            (machine.root / folder.relative_to("/") / name).write_text(text)
        for target in ("linux", "kvm"):
            self.assertIn(
                "Hello from hello!\n",
                self.finishes(machine, f"./fata run hello -t {target}", folder),
            )
        edit = "cp -r hello 'a copy' && sed -i 's/from hello/from a copy/' 'a copy/hello.hpp'"
        self.finishes(machine, edit, folder)
        self.assertIn("Hello from a copy!\n", self.finishes(machine, "./fata run 'a copy'", folder))
        self.finishes(machine, "mv 'a copy' moved", folder)
        self.assertIn(
            "Hello from a copy!\n", self.finishes(machine, "./fata run moved -t kvm", folder)
        )
        self.finishes(machine, ".ci/package build", folder)
        # The same commit in another folder builds the same bytes.
        other = machine.root / "srv/fata"
        shutil.copytree(
            machine.root / folder.relative_to("/"),
            other,
            symlinks=True,
            ignore=shutil.ignore_patterns("build", ".fata", "hello", "moved"),
        )
        self.finishes(machine, ".ci/package build", "/srv/fata")
        (made,) = (machine.root / folder.relative_to("/") / "build").glob("fata_*.deb")
        self.assertTrue(
            filecmp.cmp(made, other / "build" / made.name, shallow=False),
            "the package is not reproducible",
        )
        shutil.copy(made, BASE.folder)

        # A folder name with characters that a shell, make and CMake's own files interpret.
        odd = "/srv/a %$x'()&{y}*?~=!,@z@^`+:é"
        (machine.root / odd[1:]).mkdir()
        (machine.root / "srv/fata").rename(machine.root / odd[1:] / "fata")
        for target in ("linux", "kvm"):
            words = [
                "run",
                "examples/tutorial/noop",
                "-t",
                target,
                "--build-dir",
                f"/tmp/noop-{target}",
            ]
            command = shlex.join([f"{odd}/fata/fata", *words])
            self.finishes(machine, command, f"{odd}/fata")

    def test_2_a_user_with_sudo_types_the_readme(self):
        machine, folder = self.machine("as-user", "ada")
        answers = [(r"\[Y/n\]", "y\n"), ("assword", PASSWORD + "\n")]
        self.serves(machine, "./fata run apps/dns", folder, "ada", answers)
        # No file in the clone belongs to root.
        owners = {
            path.lstat().st_uid for path in (machine.root / folder.relative_to("/")).rglob("*")
        }
        self.assertNotIn(0, owners)
        done = machine.run(
            "unshare --net '/home/ada/my dépôt/fata' run examples/tutorial/noop", folder
        )
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_3_the_package_builds_every_target(self):
        (package,) = BASE.folder.glob("fata_*.deb")
        machine = Machine(BASE, "installed")
        shutil.copy(package, machine.root / "srv")
        # dpkg alone, then the missing dependencies.
        done = machine.run(f"apt-get update && dpkg -i /srv/{package.name}")
        self.assertNotEqual(done.returncode, 0)
        done = machine.run(
            "DEBIAN_FRONTEND=noninteractive apt-get install -f -y --no-install-recommends"
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn("qemu-system-x86", self.packages(machine))
        self.finishes(machine, "fata new hello", "/home/ada", "ada")
        for name, text in readme.files(README):
            (machine.root / "home/ada" / name).write_text(text)
        self.assertIn(
            "Hello from hello!\n", self.finishes(machine, "fata run hello", "/home/ada", "ada")
        )
        refused = machine.run("fata run hello -t kvm", "/home/ada", "ada")
        self.assertIn("qemu-system-x86", refused.stderr)
        install = "apt-get install -y --no-install-recommends qemu-system-x86 python3"
        done = machine.run(f"DEBIAN_FRONTEND=noninteractive {install}")
        self.assertEqual(done.returncode, 0, done.stderr)
        for words in ("-t kvm", "-t xen --lab"):
            self.assertIn(
                "Hello from hello!\n",
                self.finishes(machine, f"fata run hello {words}", "/home/ada", "ada"),
            )
        self.assertEqual(machine.run("dpkg --verify fata").stdout, "")
        done = machine.run("dpkg --purge fata")
        self.assertEqual(done.returncode, 0, done.stderr)
        left = machine.run("find /usr -path '*fata*' -not -path '*/doc/*'").stdout
        self.assertEqual(left, "")


def main():
    global BASE
    if os.geteuid() != 0:
        print("fresh_debian: skipped: a Debian root is made by root")
        return 77
    if not os.environ.get("FATA_FRESH_FOLDER"):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="fata-fresh-", dir="/var/tmp"))
        try:
            # The mounts end with the namespace, so that none is left below the removed folder.
            return subprocess.run(
                [
                    "unshare",
                    "--mount",
                    "--pid",
                    "--fork",
                    "--kill-child",
                    "--mount-proc",
                    sys.executable,
                    *sys.argv,
                ],
                env={**os.environ, "FATA_FRESH_FOLDER": str(folder)},
            ).returncode
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    try:
        BASE = Base(pathlib.Path(os.environ["FATA_FRESH_FOLDER"]))
    except NoMirror as reason:
        print(f"fresh_debian: skipped: {reason}")
        return 77
    unittest.main(failfast=True)


if __name__ == "__main__":
    sys.exit(main())
