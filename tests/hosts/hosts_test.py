"""Boots stock kernel images on devices that lie (lies.py), repeatedly, each time with a new seed,
for FATA_HOSTS_SECONDS. An image may give up a device, log this and end with its own status. It must
not crash, and must stop on request.

    hosts_test.py                 the tests
    hosts_test.py SEED [LIE]      one boot, with all its output"""
import contextlib
import os
import pathlib
import random
import select
import subprocess
import sys
import tempfile
import time
import traceback
import unittest

from fata import BUILD, QEMU, FataTest
from devices import GUEST, Block, Net, Rng

SECONDS = float(os.environ.get("FATA_HOSTS_SECONDS", "30"))
SEED = os.environ.get("FATA_HOSTS_SEED", "")
# The longest time that an image may take to stop: the driver gives up a disk that does not answer
# after a minute, its reset may take 10 s, and the machine may be busy.
STOP_LIMIT = 100
CRASHED = 125
IMAGES = {
    "dns": ("apps/dns", Net, "net", 53, f"--ipv4={GUEST}/24 --port=53"),
    "tcp-echo": ("examples/devices/tcp-echo", Net, "net", 7, f"--ipv4={GUEST}/24 --port=7"),
    "block": ("examples/devices/block", Block, "blk", 0, ""),
}
MACHINES = ("microvm,acpi=off", "pc", "q35")


def image_of(name):
    return BUILD / f"{name}-kvm" / "build" / f"{name}.img"


class Boot:
    """One boot: `name` of the image, and a seed for everything else."""

    def __init__(self, seed, is_honest=False, only=None, name=None):
        self.seed, self.random = seed, random.Random(seed)
        self.name = name or self.random.choice(sorted(IMAGES))
        self.folder = tempfile.TemporaryDirectory(prefix="fata-hosts-")
        _, kind, self.device, port, self.words = IMAGES[self.name]
        # NICs only on microvm: QEMU 7.2 without KVM follows a null pointer when a guest enables
        # MSI-X on a NIC behind vhost-user.
        self.machine = self.random.choice(MACHINES[:1] if kind is Net else MACHINES)
        self.memory = self.random.choice((8, 16))
        self.main = kind(self.path("main"), self.random, is_honest, only, port)
        self.rng = (
            Rng(self.path("rng"), self.random, is_honest) if self.random.random() < 0.3 else None
        )
        self.is_honest = is_honest
        self.seconds = self.random.choice((0.3, 1, 2))  # from the first operation on
        self.text, self.code, self.late, self.fault = "", None, False, ""

    def __str__(self):
        return f"seed {self.seed}: {self.name} on {self.machine}, {self.memory} MiB; {self.main}"

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def command(self):
        pci = not self.machine.startswith("microvm")
        suffix = "pci,disable-legacy=on" if pci else "device"
        user = "-pci" if pci else ""
        line = [
            QEMU,
            "-M",
            f"{self.machine},memory-backend=mem",
            "-accel",
            "tcg",
            "-cpu",
            "max",
            "-m",
            f"{self.memory}M",
            "-object",
            f"memory-backend-memfd,id=mem,size={self.memory}M,share=on",
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            "-serial",
            "stdio",
            "-no-reboot",
            "-device",
            "isa-debug-exit,iobase=0xf4,iosize=4",
            "-kernel",
            str(image_of(self.name)),
            "-append",
            self.words,
            "-global",
            "virtio-mmio.force-legacy=false",
            "-chardev",
            f"socket,id=main,path={self.path('main')}",
        ]
        own = self.main.options(self.is_honest)
        if self.device == "net":
            line += [
                "-netdev",
                "vhost-user,id=n,chardev=main",
                "-device",
                f"virtio-net-{suffix},netdev=n,mac=52:54:00:00:00:02{own}",
            ]
        else:
            line += ["-device", f"vhost-user-blk{user},chardev=main{own}"]
        if self.rng:
            line += [
                "-chardev",
                f"socket,id=rng,path={self.path('rng')}",
                "-device",
                f"vhost-user-rng{user},chardev=rng",
            ]
        return line

    def run(self):
        with subprocess.Popen(
            self.command(),
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            try:
                self.attend(process)
            finally:
                process.kill()
                process.wait()
                for backend in self.backends():
                    backend.close()
                self.folder.cleanup()
        return self

    def backends(self):
        return [self.main, self.rng] if self.rng else [self.main]

    def attend(self, process):
        """Serves QEMU and its guest until they end or the time for that has passed."""
        end, is_asked = time.monotonic() + 30, False
        first = None
        while True:
            now = time.monotonic()
            if self.main.done and first is None:
                first = now
            if not is_asked and (now > end or first is not None and now > first + self.seconds):
                with contextlib.suppress(BrokenPipeError):  # QEMU may have ended just now
                    process.stdin.write(b"\3")
                is_asked, end = True, now + STOP_LIMIT
            if is_asked and now > end:
                self.late = True
                return
            busy = any([backend.works() for backend in self.backends()])
            if not self.wait(process, 0 if busy else 0.002):
                self.code = process.wait(STOP_LIMIT)
                return

    def wait(self, process, seconds):
        """Handles events. Returns False if QEMU has ended."""
        files = {process.stdout.fileno(): None}
        for backend in self.backends():
            files[(backend.socket or backend.listener).fileno()] = backend
            for ring in backend.rings:
                if ring.kick is not None:
                    files[ring.kick] = ring
        for file in select.select(files, [], [], seconds)[0]:
            if files[file] is None:
                data = os.read(file, 65536)
                if not data:
                    return False
                self.text += data.decode(errors="replace")
            elif files[file] in self.backends():
                backend = files[file]
                if backend.socket is None:
                    backend.accept()
                elif not backend.handle():
                    backend.socket.close()
                    backend.socket = None
            elif files[file].kick == file:
                os.eventfd_read(file)
        return True

    @property
    def status(self):
        """The image's status; None if QEMU ended for another reason."""
        return (self.code - 3) // 2 if self.code and self.code >= 3 and self.code % 2 == 1 else None

    def finding(self):
        """Describes what went wrong, or returns None."""
        if self.fault:
            return self.fault
        if self.late:
            return f"did not stop within {STOP_LIMIT} s"
        if self.status == CRASHED:
            return "crashed"
        if self.status is None:
            return f"QEMU ended with {self.code}"
        return None


class Hosts(FataTest):
    @classmethod
    def setUpClass(cls):
        for name, (application, *_) in IMAGES.items():
            cls().run_fata("build", application, "-t", "kvm", "--build-dir", BUILD / f"{name}-kvm")

    def test_a_device_that_does_not_lie_is_used(self):
        for name in IMAGES:
            with self.subTest(name):
                boot = Boot(1, is_honest=True, name=name).run()
                self.assertEqual((boot.finding(), boot.status), (None, 0), boot.text)
                self.assertGreater(
                    boot.main.heard if name != "block" else boot.main.done, 5, boot.text
                )

    def test_no_image_crashes_or_hangs_by_what_a_device_does(self):
        began, boots, lies, given_up, findings = time.monotonic(), 0, 0, 0, []
        first = int(SEED) if SEED else random.SystemRandom().randrange(10**9)
        while time.monotonic() < began + SECONDS:
            boot = Boot(first + boots)
            try:
                boot.run()
            except Exception:  # a fault of the test: repeat the boot, but go on for the hour
                boot.fault = traceback.format_exc()
            boots, lies, given_up = (
                boots + 1,
                lies + boot.main.told,
                given_up + ("protocol" in boot.text),
            )
            if boot.finding():
                findings.append(f"{boot.finding()}: {boot}\n{boot.text}")
                print(findings[-1], flush=True)
            if boots % 20 == 0:
                print(f"{boots} boots in {time.monotonic() - began:.0f} s", flush=True)
        print(
            (
                f"{boots} boots from seed {first} on, {lies} lies, {given_up} devices given up, "
                f"{len(findings)} findings"
            ),
            flush=True,
        )
        self.assertEqual(findings, [], "repeat one: hosts_test.py SEED")


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].isdigit():
        one = Boot(int(sys.argv[1]), only=sys.argv[2] if len(sys.argv) > 2 else None)
        print(one, one.command(), sep="\n")
        print(one.run().text, one.main.done, one.main.told, one.status, one.finding())
    else:
        unittest.main()
