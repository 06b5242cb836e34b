"""Puts the lab's dom0 on the host's PATH: xl and the xenstore commands are called here and run in
dom0, so that a program of the host manages real Xen. The output goes to the caller. When the caller
is killed, the command in dom0 is killed too.
"""
import json
import os
import pathlib
import re
import select
import shlex
import socket
import sys

COMMANDS = ("xl", "xenstore-read", "xenstore-watch")
CALL = f"""#!{sys.executable} -SE
import json, os, socket, sys
me = os.path.abspath(sys.argv[0])
with socket.socket(socket.AF_UNIX) as there:
    there.connect(os.path.join(os.path.dirname(me), "socket"))
    socket.send_fds(there, [json.dumps([os.path.basename(me), *sys.argv[1:]]).encode()], [1, 2])
    sys.exit(there.recv(1)[0])
"""


class Call:
    """A command that runs in dom0, and the local process that waits for it."""

    def __init__(self, client, dom0):
        text, self.files, _, _ = socket.recv_fds(client, 65536, 2)
        self.client, self.lab, self.sent = client, dom0.lab, [0, 0]
        words = json.loads(text)
        shown = "".join(dom0.show(word) for word in words if pathlib.Path(word).is_file())
        self.job = self.lab.begin(f"{shown}{dom0.runner} {shlex.quote(shlex.join(words))}")

    def over(self):
        ended, killed = self.job.ended(), bool(select.select([self.client], [], [], 0)[0])
        for number, kind in enumerate(("out", "err")):
            file = self.lab.folder / "jobs" / f"{self.job.number}.{kind}"
            if not killed and file.exists():
                data = file.read_bytes()[self.sent[number] :]
                os.write(self.files[number], data)
                self.sent[number] += len(data)
        if killed:
            self.lab.control.sendall(f"kill {self.job.number}\n".encode())
        elif ended:
            self.client.send(bytes([self.job.result().status]))
        return ended or killed

    def close(self):
        self.client.close()
        for file in self.files:
            os.close(file)


class Dom0:
    def __init__(self, lab, folder):
        self.lab, self.folder, self.calls = lab, pathlib.Path(folder), []
        self.runner = "eval"
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.folder / "socket"))
        self.listener.listen()
        for name in COMMANDS:
            (self.folder / name).write_text(CALL)
            (self.folder / name).chmod(0o755)

    def show(self, file):
        """Shell commands that make a file of the host, and the files that it names, visible in dom0
        under their own names.
        """
        there = self.lab.put(file)
        words = (
            f"mkdir -p {shlex.quote(os.path.dirname(file))}; ln -sf {there} {shlex.quote(file)}\n"
        )
        if file.endswith(".xl"):
            named = re.findall(r"""/[^"',\n]+""", pathlib.Path(file).read_text())
            words += "".join(self.show(name) for name in named if pathlib.Path(name).is_file())
        return words

    def step(self):
        """Accepts new commands, and passes on the output of the running ones. Nothing is passed on
        between calls.
        """
        if select.select([self.listener], [], [], 0.02)[0]:
            self.calls.append(Call(self.listener.accept()[0], self))
        for call in [call for call in self.calls if call.over()]:
            call.close()
            self.calls.remove(call)

    def close(self):
        for call in self.calls:
            call.close()
        self.listener.close()
