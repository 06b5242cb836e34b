"""Builds the files that the lab boots, once, outside the tree: Xen, dom0's kernel and initramfs,
and a Linux guest.
"""
import contextlib
import fcntl
import gzip
import hashlib
import os
import pathlib
import shutil
import tempfile
import time

from . import packages, pieces
from .packages import CannotBuild, say

HERE = pathlib.Path(__file__).parent
# The inputs that determine the result.
MADE_FROM = ["packages.py", "pieces.py", "recipe.py", "dom0", "guest"]

DOM0_MODULES = """xenfs xen-evtchn xen-gntdev xen-gntalloc xen-privcmd virtio_pci virtio_console
virtio_net virtio_blk 9p 9pnet_virtio bridge 8021q xen-netback xen-blkback loop""".split()
KEPT = 7 * 24 * 3600  # seconds until an unused build is removed
XEN_PROGRAMS = [
    "xl",
    "xenstored",
    "xenconsoled",
    "xenconsole",
    "xen-init-dom0",
    "libxl-save-helper",
]
STORE_PROGRAMS = [
    "xenstore-read",
    "xenstore-write",
    "xenstore-ls",
    "xenstore-list",
    "xenstore-rm",
    "xenstore-watch",
    "xenstore-exists",
    "xenstore-chmod",
]
GUEST_MODULES = ["xen-netfront", "xen-blkfront"]


def cache_folder():
    given = os.environ.get("FATA_XEN_LAB")
    return pathlib.Path(
        given
        or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
        / "fata"
        / "xen-lab"
    ).absolute()


def key():
    files = sorted(
        file
        for name in MADE_FROM
        for file in ([HERE / name] if (HERE / name).is_file() else (HERE / name).iterdir())
    )
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(HERE)}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def built():
    """The folder with the files that the lab boots; builds it if necessary. Simultaneous calls
    build it once.
    """
    cache = cache_folder()
    folder = cache / key()
    if folder.exists():
        os.utime(folder)
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            begin = time.monotonic()
            with tempfile.TemporaryDirectory(
                dir=cache, prefix="making-"
            ) as scratch, readable_errors():
                make(pathlib.Path(scratch), packages.download(cache)).rename(folder)
            # Two checkouts may use different recipes in turn, so recently used builds are kept.
            for old in cache.iterdir():
                if (
                    old.is_dir()
                    and old.name not in ("apt", "debs")
                    and old.stat().st_mtime < time.time() - KEPT
                ):
                    shutil.rmtree(old, ignore_errors=True)
            say(f"made in {time.monotonic() - begin:.0f} s; it is kept in {cache}")
    return folder


@contextlib.contextmanager
def readable_errors():
    try:
        yield
    except (LookupError, StopIteration) as error:
        raise CannotBuild(
            f"the packages do not hold {error}: Debian has changed, and the list in packages.py"
            " must follow"
        ) from error
    except OSError as error:
        raise CannotBuild(
            f"{error.strerror}: {error.filename}; FATA_XEN_LAB names a folder with 1 GB of room"
        ) from error


def make(scratch, files):
    say("making dom0 and the Linux guest ...")
    root, out = scratch / "root", scratch / "out"
    out.mkdir()
    packages.unpack(files, root)
    tools = next(root.glob("usr/lib/xen-*/bin"))
    (out / "xen").write_bytes(gzip.decompress(next(root.glob("boot/xen-*-amd64.gz")).read_bytes()))
    lz4 = root / "usr/lib/x86_64-linux-gnu/liblz4.so.1"
    for kernel in root.glob("boot/vmlinuz-*"):
        name = "vmlinux-guest" if "cloud" in kernel.name else "vmlinux-dom0"
        (out / name).write_bytes(pieces.trimmed(pieces.unpacked_kernel(kernel.read_bytes(), lz4)))
    (out / "dom0.cpio").write_bytes(dom0(root, tools))
    (out / "guest.cpio").write_bytes(guest(root))
    (out / "packages.txt").write_text("\n".join(sorted(file.name for file in files)) + "\n")
    return out


def userland(root, programs, own):
    """An archive with busybox, some programs at their own paths with their libraries, and the lab's
    own files.
    """
    archive = pieces.Archive()
    for name in ("lab", "dev", "proc", "sys", "run", "tmp", "mnt", "root", "usr"):
        archive.folder(name)
    for name, target in (("sbin", "bin"), ("usr/bin", "../bin"), ("usr/sbin", "../bin")):
        archive.link(name, target)
    archive.file("bin/busybox", (root / "bin/busybox").read_bytes())
    for name, program in programs.items():
        archive.file(name, program.read_bytes())
    for name, library in pieces.libraries_of(programs.values(), root).items():
        archive.file(f"lib/x86_64-linux-gnu/{name}", library.read_bytes())
    archive.link("lib64", "lib/x86_64-linux-gnu")
    archive.file("etc/passwd", b"root:x:0:0:root:/:/bin/sh\n", 0o644)
    archive.file("etc/group", b"root:x:0:\n", 0o644)
    for name, file in own.items():
        archive.file(name, (HERE / file).read_bytes())
    return archive


def add_modules(archive, folder, wanted):
    for number, file in enumerate(pieces.modules_in_order(folder, wanted)):
        archive.file(
            f"modules/{number:02}-{file.name}", pieces.without_types(file.read_bytes()), 0o644
        )


def dom0(root, tools):
    where = f"usr/lib/{tools.parent.name}/bin"
    programs = {f"{where}/{name}": tools / name for name in XEN_PROGRAMS}
    programs |= {
        f"bin/{name}": root / "usr/bin" / name for name in [*STORE_PROGRAMS, "flock", "iperf3"]
    }
    programs["bin/bash"] = root / "bin/bash"
    archive = userland(
        root,
        programs,
        {
            "init": "dom0/init",
            "bin/lab-agent": "dom0/agent",
            "bin/lab-end": "dom0/end",
            "etc/xen/xl.conf": "dom0/xl.conf",
            "etc/xen/scripts/block": "dom0/block",
            "etc/xen/scripts/vif-lab": "dom0/vif",
        },
    )
    for name in XEN_PROGRAMS:
        archive.link(f"bin/{name}", f"/{where}/{name}")
    for file in (root / "etc/xen/scripts").iterdir():
        name = "block-debian" if file.name == "block" else file.name
        archive.file(f"etc/xen/scripts/{name}", file.read_bytes())
    for folder in ("var/lib/xen", "var/lib/xenstored", "var/log/xen", "var/lock"):
        archive.folder(folder)
    archive.link("var/run", "/run")
    add_modules(
        archive,
        next(folder for folder in root.glob("lib/modules/*") if "cloud" not in folder.name),
        DOM0_MODULES,
    )
    return archive.bytes()


def guest(root):
    programs = {"bin/iperf3": root / "usr/bin/iperf3", "bin/nsd": root / "usr/sbin/nsd"}
    archive = userland(
        root,
        programs,
        {
            "init": "guest/init",
            "etc/nsd.conf": "guest/nsd.conf",
            "etc/example.zone": "guest/example.zone",
        },
    )
    add_modules(archive, next(root.glob("lib/modules/*cloud*")), GUEST_MODULES)
    return archive.bytes()
