"""The Debian packages of the lab: found through apt, kept in the cache, and unpacked. Nothing is
installed.

apt uses its own state folder and reads the host's sources, so that neither root nor the host's
package lists are needed.
"""
import hashlib
import os
import re
import shutil
import subprocess
import sys

# The newest versions come from apt: a word in braces in NAMES stands for the text that the pattern
# finds in this package's dependencies.
FOUND = {
    "linux": ("linux-image-amd64", r"linux-image-([\w.+-]+-amd64)"),
    "cloud": ("linux-image-cloud-amd64", r"linux-image-([\w.+-]+-cloud-amd64)"),
    "xen": ("xen-system-amd64", r"xen-utils-([0-9.]+)"),
}
NAMES = """
linux-image-{linux} linux-image-{cloud} xen-hypervisor-{xen}-amd64 xen-utils-{xen}
xen-utils-common xenstore-utils libxenmisc{xen} libxencall1 libxendevicemodel1 libxenevtchn1
libxenforeignmemory1 libxengnttab1 libxenhypfs1 libxenstore4
libxentoolcore1 libxentoollog1 libyajl2
libc6 libgcc-s1 libtinfo6 libuuid1 libext2fs2 libcom-err2 liblzma5 libzstd1 zlib1g
busybox-static bash util-linux iperf3 libiperf0 libsctp1 libssl3
nsd libevent-2.1-7 libfstrm0 libprotobuf-c1 libsystemd0 libcap2 libgcrypt20 libgpg-error0 liblz4-1
""".split()


class CannotBuild(Exception):
    """One line for the user: the missing item and the fix."""


def say(text):
    print(f"xen lab: {text}", file=sys.stderr, flush=True)


class Apt:
    def __init__(self, state):
        for folder in ("lists/partial", "cache/archives/partial"):
            (state / folder).mkdir(parents=True, exist_ok=True)
        options = {
            "Dir::State": state,
            "Dir::State::lists": state / "lists",
            "Dir::State::status": "/dev/null",
            "Dir::Cache": state / "cache",
            "APT::Architecture": "amd64",
            "APT::Architectures": "amd64",
            "APT::Sandbox::User": "",
            "Acquire::Languages": "none",
            "Acquire::Retries": 2,
            "Acquire::http::Timeout": 30,
            "Acquire::https::Timeout": 30,
        }
        self.options = [
            word for name, value in options.items() for word in ("-o", f"{name}={value}")
        ]

    def run(self, tool, *words, cwd=None):
        return subprocess.run(
            [tool, "-q", *self.options, *words],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            text=True,
            capture_output=True,
            env={**os.environ, "LC_ALL": "C"},
        )

    def dependency(self, package, pattern):
        shown = self.run("apt-cache", "show", "--no-all-versions", package)
        depends = re.search(r"^Depends: (.*)$", shown.stdout, re.MULTILINE)
        found = depends and re.search(pattern, depends[1])
        if not found:
            raise CannotBuild(
                f"apt knows no {package} on which to build: the lab needs Debian 12's main archive"
                " (bookworm) in /etc/apt/sources.list, and the network, once"
            )
        return found[1]


def diagnostic(done):
    lines = [line for line in done.stderr.splitlines() if line.startswith("E:")]
    return lines[0][2:].strip() if lines else f"apt-get ended with status {done.returncode}"


def download(cache):
    """The package files, from the cache or, if the list of names has changed, from Debian."""
    debs = cache / "debs"
    listed = debs / (hashlib.sha256(repr((FOUND, NAMES)).encode()).hexdigest()[:16] + ".list")
    if listed.exists():
        files = [debs / name for name in listed.read_text().split()]
        if all(file.exists() for file in files):
            return files
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise CannotBuild(
            "it is made from Debian packages, and there is no apt-get here: use Debian 12, or run"
            f" it once there and copy {cache}"
        )
    debs.mkdir(parents=True, exist_ok=True)
    apt = Apt(cache / "apt")
    say("asking apt for the newest packages ...")
    updated = apt.run("apt-get", "update")
    try:
        versions = {word: apt.dependency(*where) for word, where in FOUND.items()}
    except CannotBuild:
        if updated.returncode:
            raise CannotBuild(
                f"apt-get update failed ({diagnostic(updated)}): it needs a Debian mirror, once"
            ) from None
        raise
    names = [name.format(**versions) for name in NAMES]
    say(f"downloading {len(names)} packages, about 110 MB, once ...")
    done = apt.run("apt-get", "download", *names, cwd=debs)
    if done.returncode:
        raise CannotBuild(
            f"a package cannot be had ({diagnostic(done)}): it needs a Debian 12 mirror in"
            " /etc/apt/sources.list and the network, once"
        )
    files = []
    for name in names:
        # Older versions from an earlier list may be present; the newest file counts.
        files.append(max(debs.glob(f"{name}_*.deb"), key=lambda file: file.stat().st_mtime_ns))
    listed.write_text("\n".join(file.name for file in files) + "\n")
    return files


def unpack(files, root):
    for file in files:
        done = subprocess.run(["dpkg-deb", "-x", file, root], text=True, capture_output=True)
        if done.returncode:
            file.unlink(missing_ok=True)
            raise CannotBuild(f"{file.name} is damaged and was removed: run this again")
