#!/usr/bin/env python3
"""The cost of each hardening flag: bytes of kernel images, and instructions per DNS query and per
TCP segment.
    bench/hardening_cost.py [--jobs N] [--parts hello,dns,query,segment] [VARIANT...]
Without VARIANT, all variants are measured.
Each variant has its own build under build/hardening, compiled through a wrapper that removes and
adds flags. Callgrind counts the instructions, so a busy machine changes nothing. Needs a working
`./fata build`, valgrind, and about 10 minutes per variant.
"""
import argparse
import dataclasses
import json
import pathlib
import platform
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILDS = ROOT / "build/hardening"
APPS = {"hello": "examples/tutorial/hello", "dns": "apps/dns"}
PROTECTOR, CLASH = "-fstack-protector-strong", "-fstack-clash-protection"
FORTIFY = ("-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=3")
LIBCXX = "-D_LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_FAST"
NO_LIBCXX = "-D_LIBCPP_HARDENING_MODE=_LIBCPP_HARDENING_MODE_NONE"
AUTO_INIT = "-ftrivial-auto-var-init=zero"
EVERY = (PROTECTOR, CLASH, *FORTIFY, LIBCXX, AUTO_INIT)
CFI, CFI_TRAP = "-fsanitize=cfi-vcall,cfi-icall", "-fsanitize-trap=cfi"
LTO = ("-flto", "-fvisibility=hidden", "-fwhole-program-vtables")


@dataclasses.dataclass
class Variant:
    kept: tuple | None = None  # flags of EVERY to keep; None: as in the normal build
    drop: tuple = ()
    add: tuple = ()
    lto: tuple | None = None  # flags for linking a process
    only: str | None = None

    def edits(self):
        """The flags to remove from the compiler's command line, and the flags to add."""
        drop, add = list(self.drop), list(self.add)
        if self.kept is not None:
            drop += [flag for flag in EVERY if flag not in self.kept]
            drop += [AUTO_INIT]  # added again below, so that it has the same place in each command
            add += [flag for flag in (AUTO_INIT,) if flag in self.kept] + (
                [] if LIBCXX in self.kept else [NO_LIBCXX]
            )
        return drop, add


VARIANTS = {
    "none": Variant(()),
    "stack-protector": Variant((PROTECTOR,)),
    "stack-clash": Variant((CLASH,)),
    "fortify": Variant(FORTIFY, only="process"),
    "libcxx": Variant((LIBCXX,)),
    "auto-init": Variant((AUTO_INIT,)),
    "without-cfi": Variant(),
    "without-auto-init": Variant((PROTECTOR, CLASH, *FORTIFY, LIBCXX)),
    "with-auto-init": Variant(EVERY),
    # Optimization of the whole image alone, then with the CFI that needs it. `cfi` is what a kernel
    # is built with; the variants above are compiled file by file.
    "lto": Variant(drop=(CFI, CFI_TRAP), lto=LTO),
    "cfi-vcall": Variant(
        drop=(CFI,), add=("-fsanitize=cfi-vcall",), lto=(*LTO, "-fsanitize=cfi-vcall", CFI_TRAP)
    ),
    "cfi": Variant(lto=(*LTO, CFI, CFI_TRAP)),
}


def wrapper(folder, variant, more=()):
    """A wrapper that CMake uses in place of ccache. It edits the flags and then calls ccache."""
    drop, add = variant.edits()
    add = " ".join((*add, *more))
    lines = ["#!/bin/bash", "words=()", "while (($#)); do"]
    if CLASH in drop:
        lines += [f'  if [[ "$1 $2" == "-Xclang {CLASH}" ]]; then shift 2; continue; fi']
    lines += [
        '  case "$1" in',
        *([f"    {'|'.join(drop)}) ;;"] if drop else []),
        '    *) words+=("$1") ;;',
        "  esac",
        "  shift",
        "done",
        (
            # Files compiled to machine code in any build (-fno-lto) keep their flags.
            '[[ " ${words[*]} " != *" -c "* || " ${words[*]} " == *" -fno-lto "* ]] ||'
            f" words+=({add})"
            if variant.lto
            else f'[[ " ${{words[*]}} " != *" -c "* ]] || words+=({add})'
        ),
        'exec ccache "${words[@]}"',
        "",
    ]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / ("wrapper-of-process" if more else "wrapper")
    if not path.exists() or path.read_text() != "\n".join(lines):
        path.write_text("\n".join(lines))
        path.chmod(0o755)
    return path


def run(*words, **options):
    done = subprocess.run(
        list(map(str, words)),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        **options,
    )
    if done.returncode != 0:
        raise SystemExit(f"{words} ended with {done.returncode}:\n{done.stdout[-4000:]}")
    return done.stdout


def configure(source, build, *options):
    if not (build / "build.ninja").exists():
        run(
            "cmake",
            "-S",
            source,
            "-B",
            build,
            "-G",
            "Ninja",
            "-DCMAKE_BUILD_TYPE=Release",
            *options,
        )


def kernel_sizes(name, variant, jobs, apps):
    """Bytes of each image, packed and plain."""
    toolchain = (
        "--toolchain",
        ROOT / f"cmake/toolchain-kernel-{platform.machine()}.cmake",
        f"-DFATA_CCACHE={wrapper(BUILDS / name, variant)}",
        f"-DFATA_CFI={'ON' if variant.lto else 'OFF'}",
    )
    libraries = BUILDS / name / "kernel"
    configure(ROOT, libraries, *toolchain)
    needed = (
        ("crunch", "dns", "dhcp", "net", "virtio", "platform_kvm")
        if "dns" in apps
        else ("virtio", "platform_kvm")
    )
    run("ninja", "-j", jobs, "-C", libraries, *(f"with_{each}" for each in needed))
    sizes = {}
    for app in apps:
        generated = BUILDS / f"generated-{app}"
        if not generated.exists():
            run(ROOT / "fata", "build", ROOT / APPS[app], "-t", "kvm", "--build-dir", generated)
        folder = BUILDS / name / app
        folder.mkdir(parents=True, exist_ok=True)
        for file in generated.glob("*.cpp"):
            if not (folder / file.name).exists():
                shutil.copy(file, folder)
        project = (generated / "CMakeLists.txt").read_text()
        project = re.sub(
            r'set\(fata_DIR "[^"]*"\)', lambda _: f'set(fata_DIR "{libraries}")', project
        )
        if not (folder / "CMakeLists.txt").exists():
            (folder / "CMakeLists.txt").write_text(project)
        build = folder / "build"
        configure(folder, build, *toolchain)
        run("ninja", "-j", jobs, "-C", build)
        image = next(build.glob("*.img"))
        run(
            "llvm-objcopy-19",
            "--strip-all",
            "--strip-sections",
            image.with_suffix(".elf"),
            build / "plain",
        )
        sizes[app] = {"packed": image.stat().st_size, "plain": (build / "plain").stat().st_size}
    return sizes


def counted(folder, *words, toggle=None):
    """The number of instructions that callgrind counted, and the program's output."""
    out = folder / "callgrind.out"
    text = run(
        "valgrind",
        "--tool=callgrind",
        f"--callgrind-out-file={out}",
        *([f"--toggle-collect={toggle}"] if toggle else []),
        *words,
    )
    return (
        int(
            re.search(r"^summary: (\d+)|^totals: (\d+)", out.read_text(), re.MULTILINE)[0].split()[
                1
            ]
        ),
        text,
    )


def process_costs(name, variant, jobs, parts):
    """Instructions per query and per segment, at the optimization level of a process."""
    build = BUILDS / name / "process"
    configure(
        ROOT,
        build,
        "-DCMAKE_C_COMPILER=clang-19",
        "-DCMAKE_CXX_COMPILER=clang++-19",
        "-DFATA_BENCH=ON",
        f"-DFATA_CCACHE={wrapper(BUILDS / name, variant, variant.lto or ())}",
        *(
            (
                "-DCMAKE_AR=/usr/bin/llvm-ar-19",
                "-DCMAKE_RANLIB=/usr/bin/llvm-ranlib-19",
                f"-DCMAKE_EXE_LINKER_FLAGS={' '.join(variant.lto)}",
            )
            if variant.lto
            else ()
        ),
    )
    costs = {}
    for bench in (each for part, each in (("query", "dns"), ("segment", "tcp")) if part in parts):
        run("ninja", "-j", jobs, "-C", build, f"{bench}_engine_bench")
        run("strip", "-g", "-o", build / bench, build / f"bench/{bench}_engine_bench")
    if "query" in parts:
        rounds, zones, kinds, passes = 6400, 2, 8, 2
        queries, _ = counted(
            build, build / "dns", "1000", rounds, toggle="fata::dns::Engine::answer_batch*"
        )
        costs["query"] = round(queries / (rounds * zones * kinds * passes), 1)
    if "segment" in parts:  # the difference of two runs, which excludes the start
        few, more = (counted(build, build / "tcp", "all", divisor) for divisor in (400, 200))
        segments = [
            int(re.search(r"^segments in all +(\d+)$", text, re.MULTILINE)[1])
            for _, text in (few, more)
        ]
        costs["segment"] = round((more[0] - few[0]) / (segments[1] - segments[0]), 1)
    return costs


def measured(name, jobs, parts):
    variant = VARIANTS[name]
    file = BUILDS / name / "figures.json"
    figures = json.loads(file.read_text()) if file.exists() else {}
    apps = [app for app in APPS if app in parts]
    if apps and variant.only != "process":
        figures["kernel"] = figures.get("kernel", {}) | kernel_sizes(name, variant, jobs, apps)
    if {"query", "segment"} & set(parts):
        figures["process"] = figures.get("process", {}) | process_costs(name, variant, jobs, parts)
    file.write_text(json.dumps(figures))
    print(name, json.dumps(figures), flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--jobs", default="2")
    parser.add_argument(
        "--parts", default="hello,dns,query,segment", help="what to measure: %(default)s"
    )
    parser.add_argument(
        "variants", nargs="*", metavar="VARIANT", choices=[[], *VARIANTS], help=", ".join(VARIANTS)
    )
    words = parser.parse_args()
    for name in words.variants or VARIANTS:
        measured(name, words.jobs, words.parts.split(","))


if __name__ == "__main__":
    main()
