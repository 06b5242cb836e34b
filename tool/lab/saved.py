"""The state of a lab's machine before its first domain, saved once and resumed by each lab of the
same shape: this takes a second instead of nine.

Nothing of the host is in the state: the share is not mounted yet, the time is set at the start, and
QEMU's network has no memory of earlier runs.
"""
import fcntl
import hashlib
import json
import shlex
import socket
import subprocess
import time


def state(lab):
    """The opened file with the state for this machine; makes it if necessary. Simultaneous calls
    make it once.
    """
    # The shared folder and the forwarded ports belong to the host.
    line = lab.command(0, None, "")
    version = subprocess.run([line[0], "--version"], check=True, capture_output=True, text=True)
    shape = "\0".join([version.stdout, *line])
    name = hashlib.sha256(shape.encode()).hexdigest()[:16]
    file = lab.built / f"state-{name}"
    with open(lab.built / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            make(type(lab)(memory=lab.memory, dom0=lab.dom0, xen_words=lab.xen_words), file)
    return file.open("rb")


def make(lab, file):
    new = file.with_name(f"{file.name}.new")
    try:
        lab.control, control = socket.socketpair()
        monitor, monitored = socket.socketpair()
        begin = time.monotonic()
        line = lab.command(control.fileno(), None, lab.folder)
        line += ["-chardev", f"socket,id=monitor,fd={monitored.fileno()}"]
        line += ["-mon", "chardev=monitor,mode=control"]
        lab.launch(line, [control, monitored])
        lab.expect("booted", begin)
        with monitor, monitor.makefile("rw") as stream:
            stream.readline()  # the greeting
            call(stream, "qmp_capabilities")
            call(stream, "migrate-set-parameters", **{"max-bandwidth": 1 << 34})
            call(stream, "migrate", uri=f"exec:cat >{shlex.quote(str(new))}")
            while (status := call(stream, "query-migrate")["status"]) != "completed":
                if status in ("failed", "cancelled"):
                    raise OSError(f"the lab's state is not saved: {status}\n{lab.tail()}")
                time.sleep(0.05)
        new.rename(file)
    finally:
        new.unlink(missing_ok=True)
        lab.close()


def call(stream, command, **arguments):
    """The result of a command of QEMU's monitor. Events are skipped."""
    stream.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
    stream.flush()
    while True:
        answer = json.loads(stream.readline())
        if "error" in answer:
            raise OSError(f"QEMU's monitor: {answer['error']['desc']}")
        if "return" in answer:
            return answer["return"]
