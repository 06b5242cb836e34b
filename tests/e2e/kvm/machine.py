"""Boots an image in QEMU with a time limit, and returns its output and status."""
import json
import os
import platform
import re
import select
import shlex
import socket
import subprocess
import tempfile
import time

IMAGES = os.environ["FATA_IMAGES"]
TIME_LIMIT = 120
MACHINES = ("microvm,acpi=off", "pc", "q35")


def image(name):
    return os.path.join(IMAGES, name + ".img")


def command(name, words="", machine=MACHINES[0], memory="8M", cpu="max", extra=(), file=None):
    return [
        f"qemu-system-{platform.machine()}",
        "-M",
        machine,
        "-accel",
        "tcg",
        "-cpu",
        cpu,
        "-m",
        memory,
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
        file or image(name),
        "-append",
        words,
        *extra,
    ]


def status_of(code):
    """Converts QEMU's exit code 2s+3 back into s; None if QEMU ended for another reason."""
    return (code - 3) // 2 if code >= 3 and code % 2 == 1 else None


class Ended:
    def __init__(self, code, text):
        self.code, self.text, self.status = code, text, status_of(code)
        # Log lines of the application without the prefix of uptime, level and source.
        self.lines = [
            re.sub(r"^\[ *[0-9.]+\] \w+ [\w-]+: ", "", line) for line in text.splitlines()
        ]


def boot(name, words="", **options):
    done = subprocess.run(
        command(name, words, **options),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIME_LIMIT,
    )
    return Ended(done.returncode, done.stdout.decode(errors="replace"))


class Running:
    """An image that runs beside the test; `control` sends commands to QEMU itself."""

    def __init__(self, name, words="", extra=(), **options):
        self.folder = tempfile.TemporaryDirectory()
        path = os.path.join(self.folder.name, "qmp")
        self.process = subprocess.Popen(
            command(
                name, words, extra=["-qmp", f"unix:{path},server=on,wait=off", *extra], **options
            ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.text = ""
        self.deadline = time.monotonic() + TIME_LIMIT
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(TIME_LIMIT)
        while self.socket.connect_ex(path) != 0 and self.process.poll() is None:
            time.sleep(0.01)
        self.answers = self.socket.makefile()
        self.answers.readline()
        self.control("qmp_capabilities")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.socket.close()
        self.answers.close()
        self.folder.cleanup()

    def control(self, command, **arguments):
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while True:
            answer = json.loads(self.answers.readline())
            if "error" in answer:
                raise AssertionError(f"QEMU refused {command}: {answer['error']}")
            if "return" in answer:
                return answer["return"]

    def save(self, file):
        """Writes a snapshot of the machine and ends it."""
        self.control("migrate", uri=f"exec:cat > {shlex.quote(file)}")
        while (status := self.control("query-migrate").get("status")) != "completed":
            if status == "failed" or time.monotonic() > self.deadline:
                raise AssertionError(f"the machine could not be saved: {status}")
            time.sleep(0.05)
        self.control("quit")
        self.process.wait()

    def type(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def wait_for(self, *parts):
        """Waits until the output contains one of the parts."""
        while not any(part in self.text for part in parts):
            self.wait_for_more(*parts)

    def wait_for_more(self, *parts):
        left = self.deadline - time.monotonic()
        ready = left > 0 and select.select([self.process.stdout], [], [], left)[0]
        data = os.read(self.process.stdout.fileno(), 4096).decode(errors="replace") if ready else ""
        if not data:
            raise AssertionError(f"{parts} was never said; only:\n{self.text}")
        self.text += data

    def end(self):
        rest, _ = self.process.communicate(timeout=TIME_LIMIT)
        return Ended(self.process.returncode, self.text + rest.decode(errors="replace"))


def restored(file):
    """QEMU's options for a machine that continues from a snapshot."""
    return ("-incoming", f"exec:cat {shlex.quote(file)}")
