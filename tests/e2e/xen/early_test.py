"""A stop or a suspension arrives while the image is still setting up its devices. The image ends
with 0, as a serving image does, or continues after the restore. Xen must not see an interrupted
wait as a crash."""
import unittest

from domains import LITTLE, POWEROFF, REBOOT, XenTest
from fata import LONG, long

DHCP = ("-D", "dhcp=true")
SILENT = "silent"  # a hotplug script that never reports to the backend that it is connected
ALONE = "alone0"  # a bridge without a DHCP server
CARD = f'vif = ["bridge=xenbr0,script=/lab/{SILENT}"]\n'
ENDS = (("shutdown", POWEROFF), ("reboot", REBOOT))[: 2 if LONG else 1]
WAITS = "2"  # XenbusStateInitWait: the backend is not connected


class Early(XenTest):
    forwards = ["udp:0:1053"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        script = cls.lab.folder / SILENT
        script.write_text("#!/bin/sh\nexit 0\n")
        script.chmod(0o755)
        (cls.lab.folder / "early.img").write_bytes(bytes(1 << 20))
        cls.lab.run(f"brctl addbr {ALONE}; ip link set {ALONE} up")

    def nic(self, **options):
        return self.start("apps/dns", without="vif", more=CARD + LITTLE, **options)

    def disk(self, **options):
        disk = f"format=raw,vdev=xvda,access=ro,script=/lab/{SILENT},target=/lab/early.img"
        return self.start("examples/devices/block", more=f'disk = ["{disk}"]\n', **options)

    def until(self, condition):
        self.lab.run(f"until [ {condition} ]; do usleep 50000; done", 40)

    def frontend_reaches(self, name, kind, state):
        """Waits until the frontend has this state; the image then waits for its backend."""
        node = f"/local/domain/{self.lab.domains()[name]}/device/{kind}"
        self.until(f'"$(xenstore-read {node}/$(xenstore-list {node})/state)" = {state}')

    def ends_quietly(self, name, how, reason):
        self.lab.run(f"xl {how} {name}")
        self.assertEqual(self.end(name), [reason, "0"], self.lab.console(name))
        self.assertNotRegex(self.lab.console(name), "cannot|cancelled|error")

    def connect(self, name):
        """Does the work that the silent script omitted."""
        number = self.lab.domains()[name]
        backend = f"/local/domain/0/backend/vif/{number}/0"
        self.lab.run(
            f"ip link set vif{number}.0 master xenbr0; ip link set vif{number}.0 up; "
            f"xenstore-write {backend}/hotplug-status connected"
        )

    def test_while_its_nic_waits_for_the_backend(self):
        for how, reason in ENDS:
            name = self.nic()
            self.frontend_reaches(name, "vif", 4)
            backend = f"/local/domain/0/backend/vif/{self.lab.domains()[name]}/0"
            self.assertEqual(self.lab.run(f"xenstore-read {backend}/state").text.strip(), WAITS)
            self.ends_quietly(name, how, reason)

    def test_while_its_disk_waits_for_the_backend(self):
        for how, reason in ENDS:
            name = self.disk()
            self.frontend_reaches(name, "vbd", 3)
            self.ends_quietly(name, how, reason)

    def test_while_dhcp_waits_for_an_answer(self):
        for how, reason in ENDS:
            name = self.start(
                "apps/dns", options=DHCP, without="vif", more=f'vif = ["bridge={ALONE}"]\n'
            )
            # Its NIC is connected and has sent. The packet that the backend received is a DISCOVER.
            nic = f"/sys/class/net/vif{self.lab.domains()[name]}.0"
            self.until(f"$(cat {nic}/statistics/rx_packets) -gt 0")
            self.ends_quietly(name, how, reason)

    def test_before_the_domain_runs(self):
        kinds = (self.nic, self.disk, lambda **options: self.start("apps/dns", **options))
        for make in kinds if LONG else kinds[:1]:
            for how, reason in ENDS:
                name = make(paused=True)
                # xl writes the request, then waits until the domain acknowledges it, which happens
                # once the domain runs.
                self.lab.run(f"xl {how} {name} & sleep 2; xl unpause {name}; wait", timeout=180)
                self.assertEqual(self.end(name), [reason, "0"], self.lab.console(name))
                self.assertNotRegex(self.lab.console(name), "cannot|cancelled|error")

    @long
    def test_a_domain_is_moved_while_its_nic_waits(self):
        name = self.nic()
        self.frontend_reaches(name, "vif", 4)
        self.lab.save(name, "early")
        self.lab.restore("early")
        self.frontend_reaches(name, "vif", 4)
        self.assertNotIn("serving", self.lab.console(name))
        self.connect(name)
        self.lab.wait_console(name, "serving on port 1053", 30)
        self.shut_down(name)


if __name__ == "__main__":
    unittest.main()
