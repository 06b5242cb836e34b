"""The lab itself: dom0 and its commands, the end of a tiny guest, and a Linux guest with network
and disk.
"""
import socket
import tempfile
import time
import unittest

import guests
from lab import Lab, LabError

KEEP = 'on_poweroff = "preserve"\non_crash = "preserve"\non_reboot = "preserve"'


class XenLab(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab(["tcp:0:2222"], memory=896, resumed=True))
        scratch = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.stub = cls.lab.put(guests.stub(scratch))
        print(f"xl list works {cls.lab.boot_seconds:.1f} s after the start", flush=True)

    def end(self, name, words):
        """The words printed at the end of a stub with these parameters."""
        self.lab.create(guests.config(name, self.stub, words, KEEP))
        end = self.lab.end_of(name).wait(30).text.split()
        self.lab.wait_console(name, f"stub: {words}\n", 5)
        self.lab.run(f"xl destroy {name}")
        return end

    def test_dom0_runs_commands_and_gives_all_that_they_wrote_and_their_status(self):
        self.assertEqual(self.lab.domains(), {"Domain-0": 0})
        result = self.lab.run("head -c 300000 /dev/zero; echo wrong >&2; exit 7", check=False)
        self.assertEqual(
            (result.status, result.output, result.errors), (7, bytes(300000), b"wrong\n")
        )
        with self.assertRaisesRegex(LabError, "in dom0 ended with status 1"):
            self.lab.run("false")

    def test_a_command_that_hangs_is_killed_and_others_go_on(self):
        hung = self.lab.begin("echo $$ >/run/hung; sleep 600 & sleep 600")
        with self.assertRaisesRegex(LabError, "did not end in time"):
            hung.wait(1)
        self.lab.run("while [ -e /proc/$(cat /run/hung) ]; do usleep 10000; done; ! pidof sleep")

    def test_a_guest_ends_in_the_way_it_chose(self):
        self.assertEqual(self.end("off", "poweroff"), ["0"])
        self.assertEqual(self.end("crash", "crash"), ["3"])
        self.assertEqual(self.end("triple", "triple"), ["1"])

    def test_a_guest_leaves_an_exit_status_in_xenstore(self):
        (self.lab.folder / "left.cfg").write_text(
            guests.config("left", self.stub, "poweroff", KEEP)
        )
        # dom0 writes the status for the paused guest, because the stub does not implement the
        # xenstore protocol.
        self.lab.run(
            "xl create -p /lab/left.cfg && xenstore-write /local/domain/$(xl domid"
            " left)/data/exit-status 7 && xl unpause left"
        )
        self.assertEqual(self.lab.end_of("left").wait(30).text.split(), ["0", "7"])
        self.lab.run("xl destroy left")

    def test_a_guest_that_waits_is_destroyed_and_one_that_leaves_is_gone(self):
        self.lab.create(guests.config("waits", self.stub, "wait"))
        self.lab.wait_console("waits", "stub: wait\n", 10)
        self.assertEqual(set(self.lab.domains()), {"Domain-0", "waits"})
        self.lab.run("xl destroy waits")
        self.lab.create(guests.config("leaves", self.stub, "poweroff"))
        self.lab.wait_gone("leaves")
        self.assertEqual(set(self.lab.domains()), {"Domain-0"})

    def in_guest(self, command):
        """A command's output in the Linux guest. Connections are reset until its shell listens."""
        deadline = time.monotonic() + 60
        while True:
            try:
                with socket.create_connection(
                    ("127.0.0.1", self.lab.port("tcp", 2222)), timeout=60
                ) as stream:
                    stream.sendall(command.encode() + b"\nexit\n")
                    return stream.makefile("rb").read()
            except ConnectionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def test_linux_is_reached_from_the_host_and_has_a_disk_and_shuts_down(self):
        disk = self.lab.folder / "disk.img"
        disk.write_bytes(b"to the guest\n".ljust(1 << 20, b"\0"))
        name = self.lab.create(
            self.lab.linux(
                words="address=10.0.2.15/24 serve=shell",
                more="""vif = ["bridge=xenbr0"]
disk = ["format=raw,vdev=xvda,access=rw,target=/lab/disk.img"]""",
            ),
            120,
        )
        self.lab.wait_console(name, "GUEST: up", 240)
        self.assertEqual(
            self.in_guest(
                "head -n 1 /dev/xvda; echo from the guest | dd of=/dev/xvda bs=512 seek=1"
                " 2>/dev/null; sync"
            ),
            b"to the guest\n",
        )
        self.assertEqual(disk.read_bytes()[512:527], b"from the guest\n")
        self.lab.run(f"xl shutdown {name}")
        self.lab.wait_gone(name, 60)


if __name__ == "__main__":
    unittest.main()
