"""Files that Fata writes for managers of virtual machines: libvirt's schema accepts its domains,
and xl's configuration lists the disks.
"""
import pathlib
import subprocess
import unittest
from xml.etree import ElementTree

from fata import BUILD, FataTest

# NICs, disks, both, neither.
APPLICATIONS = (
    "apps/dns",
    "tests/e2e/block/image",
    "examples/devices/udp-echo",
    "examples/tutorial/noop",
)


class Managers(FataTest):
    def configured(self, app, target):
        folder = BUILD / f"{pathlib.Path(app).name}-{target}"
        self.run_fata("configure", app, "-t", target, "--build-dir", folder)
        return folder

    def test_libvirt_takes_every_domain(self):
        for target in ("xen", "kvm"):
            for app in APPLICATIONS:
                with self.subTest(app=app, target=target):
                    (file,) = self.configured(app, target).glob("*.libvirt.xml")
                    done = subprocess.run(
                        ["virt-xml-validate", file, "domain"], capture_output=True, text=True
                    )
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_disks_are_files_of_the_project_s_folder_in_the_application_s_order(self):
        for target, names in (("xen", ("xvda", "xvdb")), ("kvm", ("vda", "vdb"))):
            folder = self.configured("tests/e2e/block/image", target)
            disks = ElementTree.parse(folder / "block-suite.libvirt.xml").findall("devices/disk")
            self.assertEqual(
                [
                    (disk.find("source").get("file"), disk.find("target").get("dev"))
                    for disk in disks
                ],
                [
                    (str(folder / f"{name}.img"), device)
                    for name, device in zip(("disk", "other"), names)
                ],
            )
        folder = self.configured("tests/e2e/block/image", "xen")
        self.assertIn(
            (
                f'disk = ["format=raw,vdev=xvda,access=rw,target={folder}/disk.img", '
                f'"format=raw,vdev=xvdb,access=rw,target={folder}/other.img"]\n'
            ),
            (folder / "block-suite.xl").read_text(),
        )
        self.assertNotIn(
            "disk", (self.configured("examples/tutorial/noop", "xen") / "noop.xl").read_text()
        )

    def test_run_gives_the_lab_the_disks_that_it_is_given(self):
        folder = self.configured("tests/e2e/block/image", "xen")
        self.run_fata("build", "tests/e2e/block/image", "-t", "xen", "--build-dir", folder)
        words = [
            "run",
            "tests/e2e/block/image",
            "-t",
            "xen",
            "--build-dir",
            folder,
            "--lab",
            "--dry-run",
        ]
        line = self.run_fata(
            *words, "--disk", "/one.img,ro", "--disk", "/two.img,sector=4096"
        ).stdout
        self.assertIn(" --disk /one.img,ro --disk /two.img,sector=4096", line)
        self.assertIn("vdev=xvda,access=ro,target=/one.img", (folder / "run.xl").read_text())
        self.refused(
            "fata: --disk: 3 are given, and the application has 2: disk, other",
            *words,
            *["--disk", "x.img"] * 3,
        )
        self.refused(
            (
                "fata: --disk x.img,direct: on Xen the backend says how it reads a file; leave out"
                " ,direct"
            ),
            *words,
            "--disk",
            "x.img,direct",
        )


if __name__ == "__main__":
    unittest.main()
