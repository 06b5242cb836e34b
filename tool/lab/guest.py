"""One guest in its own lab: its console is passed on, signals shut it down, and its exit status is
the command's.
"""
import re
import signal
import sys
import time

from .machine import Lab, LabError
from .packages import say

# The statuses of an image and of the command (docs/architecture.md).
LAB_FAILED, CRASHED = 70, 125
REASONS = {0: "poweroff", 1: "reboot", 2: "suspend", 3: "crash", 4: "watchdog", 5: "soft reset"}
PATIENCE = 30  # seconds between requesting the guest's shutdown and destroying it
DOM0_NEEDS = 400  # MB, including Xen's own
NAME = "guest"
# The ended domain remains until its status has been read.
KEEP = (
    'on_poweroff = "preserve"\non_reboot = "preserve"\non_crash = "preserve"\non_watchdog ='
    ' "preserve"\n'
)


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquoted(text):
    return re.sub(r"\\(.)", r"\1", text)


def config(lab, given):
    disks = ", ".join(
        quoted(
            f"format=raw,vdev=xvd{chr(97 + number)},access={'ro' if disk.read_only else 'rw'},"
            f"target=/dev/vd{chr(97 + number)}"
        )
        for number, disk in enumerate(given.disk)
    )
    if given.kernel:
        text = (
            f'type = "pvh"\nkernel = {quoted(lab.put(given.kernel))}\nextra ='
            f" {quoted(given.cmdline)}\nmemory = {given.memory}\nvcpus = 1\nvif ="
            ' ["bridge=xenbr0"]\n'
        )
    else:
        text = re.sub(
            r"""^(\s*(?:kernel|ramdisk)\s*=\s*)["'](.*)["']""",
            lambda found: found[1] + quoted(lab.put(given.config.parent / unquoted(found[2]))),
            given.config.read_text(),
            flags=re.M,
        )
    return text + f"\nname = {quoted(NAME)}\ndisk = [{disks}]\n" + KEEP


class Console:
    """Passes on the guest's output as it arrives."""

    def __init__(self, lab, copy):
        self.file, self.copy, self.said = lab.folder / "console" / f"guest-{NAME}.log", copy, 0

    def more(self):
        if not self.file.exists():
            return False
        with open(self.file, "rb") as file:
            file.seek(self.said)
            data = file.read()
        self.said += len(data)
        text = data.replace(b"\r", b"")
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()
        if self.copy:
            self.copy.write(text)
            self.copy.flush()
        return bool(data)


class Asked:
    """The received signals: the first shuts the guest down, the second destroys it."""

    def __init__(self):
        self.count = 0
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.note)

    def note(self, *_):
        self.count += 1


def follow(lab, console, limit):
    """Waits until the guest has ended. Returns the words printed by dom0/end, or None if the guest
    had to be destroyed.
    """
    asked, told, deadline, end = Asked(), 0, limit and time.monotonic() + limit, lab.end_of(NAME)
    while not end.ended():
        console.more()
        if asked.count and not told:
            told = 1
            lab.begin(f"xl shutdown {NAME}")
            deadline = time.monotonic() + PATIENCE
        if asked.count > 1 or (deadline and time.monotonic() > deadline):
            say(
                "the guest did not shut down; it is destroyed"
                if told
                else f"the guest did not end in {limit:g} s; it is destroyed"
            )
            return None
        time.sleep(0.02)
    # The last output is still on its way through dom0's console daemon.
    quiet = time.monotonic() + 0.3
    while time.monotonic() < quiet:
        if console.more():
            quiet = time.monotonic() + 0.3
        time.sleep(0.02)
    return end.result().text.split()


def status(words):
    if words is None or words == ["gone"]:
        return LAB_FAILED
    reason = int(words[0], 16)
    if len(words) > 1 and words[1].isdigit():
        return int(words[1]) & 255
    if reason == 0:
        return 0
    # Xen sees a triple fault as a reboot request.
    say(
        f"the guest has ended: {REASONS.get(reason, f'reason {reason}')}"
        + (" (which a triple fault is, too)" if reason == 1 else "")
    )
    return CRASHED


def run(given):
    memory = DOM0_NEEDS + (given.memory if given.kernel else configured_memory(given.config))
    copy = open(given.save_console, "wb") if given.save_console else None
    with Lab(given.forward, memory=memory, disks=given.disk) as lab:
        return run_in(lab, given, copy)


def run_in(lab, given, copy=None):
    (lab.folder / "guest.cfg").write_text(config(lab, given))
    made = lab.run("xl create -e -q /lab/guest.cfg", check=False, timeout=60)
    if made.status != 0:
        raise LabError(f"xl create: {made.errors.decode(errors='replace').strip()}")
    return status(follow(lab, Console(lab, copy), given.timeout))


def configured_memory(file):
    found = re.search(r"^\s*(?:maxmem|memory)\s*=\s*[\"']?(\d+)", file.read_text(), re.M)
    return int(found[1]) if found else 128
