"""A shell in dom0, on this terminal."""
import os
import select
import sys
import termios
import tty

from .machine import Lab
from .packages import say

LEAVE = b"\x1d"  # Ctrl-]


def run(given):
    with Lab(given.forward, memory=1024, disks=given.disk, shell=True) as lab:
        say(f"dom0 is up after {lab.boot_seconds:.1f} s; {lab.folder} is its /lab; Ctrl-] leaves")
        # hvc0 is Xen's console; the shell uses the virtio console. setsid does not fork if its
        # process does not lead a group yet, so this job lasts as long as the shell.
        shell = lab.begin("setsid -c sh -i </dev/hvc1 >/dev/hvc1 2>&1; exit 0")
        if not sys.stdin.isatty():
            follow(lab, shell)
            return 0
        before = termios.tcgetattr(sys.stdin)
        try:
            tty.setraw(sys.stdin)
            follow(lab, shell)
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
            print()
    return 0


def follow(lab, shell):
    """Copies both ways until the shell ends or the user leaves."""
    given = sys.stdin.fileno()
    while not shell.ended():
        ready = select.select([given, lab.shell], [], [], 0.2)[0]
        if lab.shell in ready:
            os.write(sys.stdout.fileno(), lab.shell.recv(4096))
        if given in ready:
            data = os.read(given, 4096)
            if not data or LEAVE in data:
                return
            lab.shell.sendall(data)
