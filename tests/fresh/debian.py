"""A minimal Debian from this machine's own mirror, and roots that start from it.

The roots are overlays, mounted in the test's mount namespace."""
import pathlib
import shutil
import subprocess
import tempfile

from session import Session


class NoMirror(Exception):
    """One line with the reason why no Debian mirror can be reached. Any other error is a
    failure.
    """


def sources():
    """The lines of sources.list for this machine's Debian mirrors, and the mirror to start from."""
    listed = subprocess.run(
        [
            "apt-get",
            "indextargets",
            "--format",
            "$(SITE) $(RELEASE) $(COMPONENT) $(ORIGIN)",
            "Created-By: Packages",
        ],
        text=True,
        capture_output=True,
    ).stdout
    lines, first = [], None
    for line in dict.fromkeys(listed.splitlines()):
        site, release, component, *origin = line.split()
        if (
            component != "main"
            or not release.startswith("bookworm")
            or origin not in ([], ["Debian"])
        ):
            continue
        lines.append(f"deb {site} {release} main")
        if release == "bookworm":
            first = site
    if first is None:
        raise NoMirror("apt has no index of Debian 12's main archive (apt-get update?)")
    return lines, first


def ask(mirror):
    """Fetches one file with apt's own program, and therefore through its proxies."""
    with tempfile.TemporaryDirectory() as folder:
        file, url = f"{folder}/InRelease", f"{mirror}/dists/bookworm/InRelease"
        done = subprocess.run(
            ["/usr/lib/apt/apt-helper", "download-file", url, file],
            text=True,
            capture_output=True,
        )
        if done.returncode != 0:
            said = [line for line in done.stderr.splitlines() if line.startswith("E: ")]
            raise NoMirror(f"{mirror} does not answer: {said[0] if said else 'no reason given'}")


class Base:
    """The root that the others start from."""

    def __init__(self, folder):
        self.folder, self.root = folder, folder / "base"
        if not shutil.which("debootstrap"):
            raise RuntimeError("debootstrap is not installed; `./fata test --long` installs it")
        lines, mirror = sources()
        ask(mirror)
        made = subprocess.run(
            [
                "debootstrap",
                "--variant=minbase",
                "--include=git,ca-certificates,sudo",
                "bookworm",
                self.root,
                mirror,
            ],
            text=True,
            capture_output=True,
        )
        if made.returncode != 0:
            raise RuntimeError(f"debootstrap from {mirror} failed:\n{made.stdout}{made.stderr}")
        (self.root / "etc/apt/sources.list").write_text("\n".join(lines) + "\n")
        acquire = subprocess.run(
            ["apt-config", "dump", "Acquire"], text=True, capture_output=True
        ).stdout
        (self.root / "etc/apt/apt.conf.d/99host").write_text(acquire)
        for file in ("etc/resolv.conf", "etc/hosts", "etc/ssl/certs/ca-certificates.crt"):
            (self.root / file).unlink(missing_ok=True)
            shutil.copy(pathlib.Path("/") / file, self.root / file)
        self.chroot(self.root, "useradd -m -s /bin/bash -G sudo ada && echo ada:engine | chpasswd")

    @staticmethod
    def chroot(root, script):
        subprocess.run(
            ["chroot", root, "sh", "-ec", script], check=True, capture_output=True, text=True
        )


class Machine:
    """A separate root that starts as a copy of the base."""

    def __init__(self, base, name):
        self.root = base.folder / name
        upper, work = base.folder / f"{name}.upper", base.folder / f"{name}.work"
        for folder in (self.root, upper, work):
            folder.mkdir()
        self.mount(
            "-t",
            "overlay",
            "overlay",
            "-o",
            f"lowerdir={base.root},upperdir={upper},workdir={work}",
            self.root,
        )
        self.mount("-t", "proc", "proc", self.root / "proc")
        self.mount("--rbind", "/dev", self.root / "dev")

    @staticmethod
    def mount(*words):
        subprocess.run(["mount", *map(str, words)], check=True)

    def line(self, command, cwd, user):
        """The command line, with env and chroot to exclude the caller's environment."""
        home = "/root" if user == "root" else f"/home/{user}"
        # su would start a new session, in which Ctrl-C does not reach the command.
        return [
            "env",
            "-i",
            f"HOME={home}",
            f"USER={user}",
            "TERM=xterm",
            "LC_ALL=C.UTF-8",
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "chroot",
            f"--userspec={user}:{user}",
            f"--groups={'root' if user == 'root' else 'sudo'}",
            str(self.root),
            "bash",
            "-c",
            'cd "$1" && eval "$2"',
            "bash",
            str(cwd),
            command,
        ]

    def type(self, command, cwd, user="root"):
        return Session(self.line(command, cwd, user), "/")

    def run(self, command, cwd="/", user="root", timeout=3000):
        return subprocess.run(
            self.line(command, cwd, user),
            text=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
        )
