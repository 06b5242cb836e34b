"""The running lab: boots it, runs commands in dom0, and cleans up at the end."""
import ctypes
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass

from . import recipe, saved

XEN_WORDS = (
    "console=com1 com1=115200,8n1 dom0_mem={dom0}M,max:{dom0}M dom0_max_vcpus=1 bootscrub=0"
    " guest_loglvl=all {more}"
)
# Linux features that are not needed here. Each costs an emulated machine a tenth of a second or
# more.
QUICK = (
    "quiet loglevel=4 lsm= audit=0 cryptomgr.notests nowatchdog mitigations=off rodata=off"
    " nokprobes rdinit=/init "
    # Prevents the kernel from patching out each lock prefix of itself and its modules, which
    # discards the emulator's translations.
    "noreplace-smp "
    # The emulator keeps a translation under its address. At random addresses, each start of a
    # program translates it again.
    "norandmaps "
    "initcall_blacklist=crypto_kdf108_init initcall_blacklist=init_kprobe_trace"
)
DOM0_WORDS = f"console=hvc0 swiotlb=1024 {QUICK}"
# Limits are for an otherwise idle machine. A busy machine may need this many times as long.
BUSY = 5
BOOT_LIMIT = 90  # seconds; it takes nine on an otherwise idle machine


class LabError(Exception):
    pass


@dataclass
class Result:
    status: int
    output: bytes  # the command's standard output
    errors: bytes

    @property
    def text(self):
        return self.output.decode(errors="replace")

    def __str__(self):
        return f"status {self.status}\n{self.text}\n{self.errors.decode(errors='replace')}"


@dataclass(frozen=True)
class Forward:
    """A port of the host's loopback whose packets go to a guest. 0: a free port is chosen."""

    protocol: str
    host: int
    guest: int
    address: str = "10.0.2.15"


def forward(text):
    """udp:1053:53 or udp:1053:53@10.0.2.16"""
    found = re.fullmatch(r"(udp|tcp):(\d{1,5}):(\d{1,5})(?:@([0-9.]+))?", text)
    if not found:
        raise ValueError(
            f"'{text}' is no forward: it takes PROTOCOL:HOST-PORT:GUEST-PORT[@ADDRESS], as in"
            " udp:1053:53"
        )
    return Forward(found[1], int(found[2]), int(found[3]), found[4] or "10.0.2.15")


@dataclass(frozen=True)
class Disk:
    """A raw file of the host."""

    file: pathlib.Path
    read_only: bool = False
    sector: int = 512


def disk(text):
    """FILE[,ro][,sector=4096]"""
    found = re.fullmatch(r"(.+?)(,ro)?(,sector=4096)?", text)
    if not found or not pathlib.Path(found[1]).is_file():
        raise ValueError(f"there is no file {text}")
    return Disk(pathlib.Path(found[1]), bool(found[2]), 4096 if found[3] else 512)


def free_port(protocol):
    with socket.socket(
        socket.AF_INET, socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    ) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end_with_parent():
    """Runs in the child: the kernel kills QEMU when its parent ends for any reason."""
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Lab:
    """with Lab(forwards=["udp:0:53"]) as lab: ...

    memory is the machine's size and dom0 that of its first domain, in MB. Guests get the rest, less
    about 100 MB. disks are files of the host, or Disks; dom0 sees them as /dev/vda, /dev/vdb and so
    on. folder is shared with dom0 as /lab; if none is given, it is a scratch folder. With resumed,
    the machine continues from a state that was saved before the first domain (saved.py), if there
    are neither disks nor a shell. Not thread-safe. The thread that starts the lab must outlive it.
    """

    def __init__(
        self,
        forwards=(),
        memory=768,
        dom0=256,
        disks=(),
        folder=None,
        shell=False,
        xen_words="",
        resumed=False,
    ):
        self.forwards = [
            given if isinstance(given, Forward) else forward(given) for given in forwards
        ]
        self.forwards = [
            Forward(
                given.protocol, given.host or free_port(given.protocol), given.guest, given.address
            )
            for given in self.forwards
        ]
        self.memory, self.dom0, self.xen_words = memory, dom0, xen_words
        self.disks = [
            given if isinstance(given, Disk) else Disk(pathlib.Path(given)) for given in disks
        ]
        self.built = recipe.built()
        self.own_folder = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="fata-xen-"))
        self.with_shell, self.shell = shell, None
        self.resumed = resumed and not disks and not shell
        self.process, self.jobs, self.answers, self.pending = None, 0, {}, b""

    def port(self, protocol, guest, address="10.0.2.15"):
        """The host's port that is forwarded to this port of the guest."""
        return next(
            given.host
            for given in self.forwards
            if (given.protocol, given.guest, given.address) == (protocol, guest, address)
        )

    def command(self, control, shell, folder, forwards=()):
        xen = XEN_WORDS.format(dom0=self.dom0, more=self.xen_words).strip()
        initrd = f"{self.built}/vmlinux-dom0 {DOM0_WORDS},{self.built}/dom0.cpio"
        forwards = "".join(
            f",hostfwd={given.protocol}:127.0.0.1:{given.host}-{given.address}:{given.guest}"
            for given in forwards
        )
        line = [
            "qemu-system-x86_64",
            "-accel",
            "tcg,tb-size=256",
            "-cpu",
            "max,-smap,-rdtscp,-xsave",
            "-smp",
            "1",
            "-m",
            str(self.memory),
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            "-monitor",
            "none",
            "-no-reboot",
            "-serial",
            f"file:{folder}/serial.log",
            "-kernel",
            f"{self.built}/xen",
            "-append",
            xen,
            "-initrd",
            initrd,
            "-virtfs",
            f"local,path={folder},mount_tag=lab,security_model=none,id=lab",
            "-netdev",
            f"user,id=net,net=10.0.2.0/24{forwards}",
            "-device",
            "virtio-net-pci,netdev=net,romfile=",
            "-device",
            "virtio-serial-pci",
            "-chardev",
            f"socket,id=control,fd={control}",
            "-device",
            "virtserialport,chardev=control,name=fata.control",
        ]
        if shell is not None:
            line += [
                "-chardev",
                f"socket,id=shell,fd={shell}",
                "-device",
                "virtconsole,chardev=shell",
            ]
        for number, given in enumerate(self.disks):
            path = str(given.file.absolute()).replace(",", ",,")
            line += [
                "-drive",
                f"file={path},format=raw,if=none,discard=unmap,id=disk{number}"
                + (",read-only=on" if given.read_only else ""),
                "-device",
                (
                    f"virtio-blk-pci,drive=disk{number},werror=report,rerror=report"
                    f",logical_block_size={given.sector},physical_block_size={given.sector}"
                ),
            ]
        return line

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def start(self):
        if not shutil.which("qemu-system-x86_64"):
            raise LabError(
                "the lab needs QEMU: apt-get install --no-install-recommends qemu-system-x86"
            )
        for name in ("jobs", "console"):
            (self.folder / name).mkdir(exist_ok=True)
        self.control, control = socket.socketpair()
        self.shell, shell = socket.socketpair() if self.with_shell else (None, None)
        more, files = [], [control, *([shell] if shell else [])]
        if self.resumed:
            files.append(saved.state(self))
            more = ["-incoming", f"fd:{files[-1].fileno()}"]
        begin = time.monotonic()
        line = self.command(control.fileno(), shell and shell.fileno(), self.folder, self.forwards)
        self.launch([*line, *more], files)
        if not self.resumed:
            self.expect("booted", begin)
        self.control.sendall(b"resume\n")
        self.expect("resumed", begin)
        self.control.sendall(f"start {time.time():.0f}\n".encode())
        self.expect("ready", begin)
        self.boot_seconds = time.monotonic() - begin

    def launch(self, line, files):
        """Starts QEMU, which inherits the files. They are closed here."""
        with open(self.folder / "qemu.log", "wb") as log:
            self.process = subprocess.Popen(
                line,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=[file.fileno() for file in files],
                preexec_fn=end_with_parent,
            )
        for file in files:
            file.close()

    def expect(self, word, begin):
        """Waits until dom0's agent has come so far."""
        self._read_until(
            lambda: word in self.answers, begin + BUSY * BOOT_LIMIT, "dom0 did not come up"
        )

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
        for end in (getattr(self, "control", None), self.shell):
            if end:
                end.close()
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    # Commands in dom0.

    def run(self, script, timeout=60, check=True):
        """Runs a shell script in dom0 and returns its status and output. With check, a status other
        than 0 is an error.
        """
        result = self.begin(script).wait(timeout)
        if check and result.status != 0:
            raise LabError(f"{script!r} in dom0 ended with {result}\n{self.tail()}")
        return result

    def begin(self, script):
        """Starts a shell script in dom0, in parallel with others."""
        self.jobs += 1
        (self.folder / "jobs" / f"{self.jobs}.sh").write_text(script + "\n")
        self.control.sendall(f"run {self.jobs}\n".encode())
        return Job(self, self.jobs, script)

    def _read_some(self, seconds):
        """Reads answers of dom0's agent, for at most this many seconds."""
        if not select.select([self.control], [], [], seconds)[0]:
            return
        try:
            data = self.control.recv(4096)
        except ConnectionError:
            data = b""
        if not data:
            raise LabError(f"the machine has ended\n{self.tail()}")
        *lines, self.pending = (self.pending + data).split(b"\n")
        for line in lines:
            word, _, status = line.decode().strip().partition(" ")
            self.answers[word] = status

    def _read_until(self, done, deadline, diagnostic):
        while not done():
            left = deadline - time.monotonic()
            if left <= 0:
                raise LabError(f"{diagnostic} in time\n{self.tail()}")
            self._read_some(left)

    def tail(self, lines=40):
        """The end of the output of QEMU, Xen and dom0, for failure messages."""
        text = self.text("qemu.log") + self.text("serial.log")
        return "\n".join(["--- serial console:", *text.splitlines()[-lines:], "---"])

    def text(self, name):
        """A file of the share as text; empty if it does not exist."""
        file = self.folder / name
        return file.read_bytes().decode(errors="replace").replace("\r", "") if file.exists() else ""

    def put(self, file):
        """Makes a file of the host visible in dom0, and returns its path there."""
        target = self.folder / pathlib.Path(file).name
        if not target.exists() or not os.path.samefile(file, target):
            # Copies the file, so that no guest can change the original, and creates a new file,
            # because dom0 may cache pages of the old one.
            target.unlink(missing_ok=True)
            shutil.copyfile(file, target)
        return f"/lab/{target.name}"

    # Domains.

    def linux(self, name="linux", words="", memory=128, more='vif = ["bridge=xenbr0"]'):
        """The configuration of a Linux guest to compare with. guest/init lists the words that it
        accepts.
        """
        kernel, ramdisk = (self.put(self.built / file) for file in ("vmlinux-guest", "guest.cpio"))
        return (
            f'name = "{name}"\ntype = "pvh"\nkernel = "{kernel}"\nramdisk = "{ramdisk}"\nmemory ='
            f' {memory}\nvcpus = 1\nextra = "console=hvc0 {QUICK} {words}"\n{more}\n'
        )

    def create(self, config, timeout=90, paused=False, preserved=False):
        """Creates a domain from the text of its configuration, or from a file; returns its name. A
        paused domain runs after `xl unpause`. A domain that is preserved at each end needs no xl
        that waits for its end, which saves a fifth of the time.
        """
        text = config.read_text() if isinstance(config, pathlib.Path) else config
        name = re.search(r"""^\s*name\s*=\s*["']([\w.-]+)["']""", text, re.MULTILINE)
        if not name:
            raise LabError("the configuration gives no name")
        (self.folder / f"{name[1]}.cfg").write_text(text)
        options = ("-p " if paused else "") + ("-e " if preserved else "")
        command = f"xl create {options}/lab/{name[1]}.cfg"
        for _ in range(8):
            result = self.run(command, timeout, check=False)
            if result.status == 0:
                return name[1]
            # libxl limits a disk's hotplug script to 40 seconds, which a busy machine may exceed.
            if "killing execution of /etc/xen/scripts" not in result.text:
                break
        raise LabError(f"{command!r} in dom0 ended with {result}\n{self.tail()}")

    def domains(self):
        """Maps the name of each domain to its number."""
        rows = [line.split() for line in self.run("xl list").text.splitlines()[1:]]
        return {row[0]: int(row[1]) for row in rows}

    def console(self, name):
        """All output of the domain's console since the lab began."""
        return self.text(f"console/guest-{name}.log")

    def wait_console(self, name, text, timeout=30, start=0):
        """Waits until the console log contains `text` at or after the character `start`."""
        deadline = time.monotonic() + BUSY * timeout
        while text not in self.console(name)[start:]:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise LabError(
                    f"{name} never said {text!r}; only:\n{self.console(name)}\n{self.tail()}"
                )
            time.sleep(0.02)

    def end_of(self, *names, destroy=False):
        """A job that ends when the domains have shut down or are gone; dom0/end prints a line for
        each. With `destroy`, it then destroys them, and their console logs are complete.
        """
        return self.begin(f"lab-end {'-d ' if destroy else ''}{' '.join(names)}")

    def save(self, name, file, timeout=120, goes_on=False):
        """Suspends a domain into a file of the share, like xl save, or like xl save -c if
        `goes_on`. The pages belong to another domain, and 9p cannot write them, so they go through
        a pipe.
        """
        self.run(
            (
                f"set -o pipefail; xl save {'-c ' if goes_on else ''}{name} /dev/stdout | cat"
                f" >/lab/{file}"
            ),
            timeout,
        )

    def restore(self, file, timeout=120):
        self.run(f"xl restore /lab/{file}", timeout)

    def migrate(self, name, timeout=180):
        """A live migration to this same machine: with an empty ssh command, xl runs the receiver
        directly. Returns the name of the console log after the migration: dom0's daemon uses the
        domain's name at its arrival.
        """
        self.run(f"xl migrate -s '' {name} 'xl migrate-receive'", timeout)
        return name + "--incoming"

    def wait_gone(self, name, timeout=30):
        self.begin(f"lab-end -g {name}").wait(timeout)


class Job:
    def __init__(self, lab, number, script):
        self.lab, self.number, self.script = lab, number, script

    def ended(self):
        self.lab._read_some(0)
        return str(self.number) in self.lab.answers

    def wait(self, timeout):
        word = str(self.number)
        try:
            self.lab._read_until(
                lambda: word in self.lab.answers,
                time.monotonic() + BUSY * timeout,
                f"{self.script!r} did not end",
            )
        except LabError:
            if self.lab.process.poll() is None:
                self.lab.control.sendall(f"kill {word}\n".encode())
            raise
        return self.result()

    def result(self):
        read = lambda kind: (self.lab.folder / "jobs" / f"{self.number}.{kind}").read_bytes()
        return Result(int(self.lab.answers[str(self.number)]), read("out"), read("err"))
