#!/usr/bin/env python3
"""Measures the time from the start of QEMU to the first byte on the console, for an application,
packed and unpacked, and for the smallest possible guest. All use the same QEMU command line, in
alternating runs.
    bench/guest_start.py [RUNS [APPLICATION WORD...]]
"""
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
QEMU = [
    "taskset",
    "-c",
    "1",
    "qemu-system-x86_64",
    "-M",
    "microvm,acpi=off",
    "-accel",
    "tcg",
    "-cpu",
    "max",
    "-m",
    "32",
    "-nodefaults",
    "-no-user-config",
    "-no-reboot",
    "-display",
    "none",
    "-serial",
    "stdio",
    "-device",
    "isa-debug-exit,iobase=0xf4,iosize=0x04",
    "-object",
    "rng-random,id=entropy,filename=/dev/urandom",
    "-device",
    "virtio-rng-device,rng=entropy",
    "-global",
    "virtio-mmio.force-legacy=false",
    "-kernel",
]


def fata(*words):
    return subprocess.run(
        [ROOT / "fata", *words], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.strip()


def first_byte(image, words):
    """Milliseconds from the start of QEMU to the first byte of output."""
    start = time.monotonic()
    guest = subprocess.Popen(
        [*QEMU, image, "-append", " ".join(words)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    os.read(guest.stdout.fileno(), 1)
    taken = time.monotonic() - start
    guest.communicate(timeout=20)
    return taken * 1000


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    app, *words = sys.argv[2:] or ["examples/tutorial/hello"]
    with tempfile.TemporaryDirectory() as scratch:
        bare = pathlib.Path(scratch) / "bare"
        subprocess.run(
            [
                "clang-19",
                "--target=x86_64-unknown-none-elf",
                "-c",
                "-o",
                f"{bare}.o",
                ROOT / "bench/bare_hello.S",
            ],
            check=True,
        )
        subprocess.run(
            ["ld.lld-19", "-Ttext=0x100000", "-e", "start", "-o", bare, f"{bare}.o"], check=True
        )
        images = {"bare": bare}
        for name, options in (("packed", []), ("plain", ["--plain"])):
            build = [app, "-t", "kvm", "--build-dir", f"{scratch}/{name}", *options]
            fata("build", *build)
            images[name] = fata("query", *build, "image")
        times = {name: [] for name in images}
        for _ in range(runs):
            for name, image in images.items():
                times[name].append(first_byte(image, words))
    for name, list_ in times.items():
        print(
            f"{name:6} first byte after {min(list_):.1f} ms at best,"
            f" {statistics.median(list_):.1f} ms in the median of {runs}"
        )
    for name in ("packed", "plain"):
        print(
            f"{name} {min(times[name]) - min(times['bare']):+.1f} ms at best,"
            f" {statistics.median(times[name]) - statistics.median(times['bare']):+.1f} ms in the"
            " median"
        )


main()
