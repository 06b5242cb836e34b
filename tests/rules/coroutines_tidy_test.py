"""The project's coroutine rules, verified by clang-tidy over all compiled sources with a coroutine.
    coroutines_tidy_test.py BUILD-FOLDER...     with a compile_commands.json each
"""
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHECKS = (
    "-*,cppcoreguidelines-avoid-reference-coroutine-parameters,"
    "cppcoreguidelines-avoid-capturing-lambda-coroutines,"
    "misc-coroutine-hostile-raii"
)
OURS = ("apps", "async", "base", "examples", "lib", "platform", "sig", "tests")


def holds_coroutine(file):
    text = file.read_text(errors="replace")
    return "co_await" in text or "co_return" in text


def compiled(folder):
    """Sources of the project with a coroutine, and archetype tests of templates with one."""
    for entry in json.loads((pathlib.Path(folder) / "compile_commands.json").read_text()):
        file = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if not file.is_relative_to(ROOT) or file.relative_to(ROOT).parts[0] not in OURS:
            continue
        if file.exists() and (holds_coroutine(file) or "archetype" in file.name):
            yield file, ["-p", str(folder)]


def headers_of_applications():
    """Headers without a compile command: an application has no build folder until it is built."""
    includes = [
        f"-I{folder}"
        for folder in sorted(ROOT.glob("*/include"))
        + sorted(ROOT.glob("lib/*/include"))
        + sorted(ROOT.glob("platform/**/include"))
    ]
    for folder in ("apps", "examples"):
        for file in sorted((ROOT / folder).rglob("*.hpp")):
            if ".fata" not in file.parts and holds_coroutine(file):
                local = [f"-I{path}" for path in file.parent.glob("*/include")]
                yield file, [
                    "--",
                    "-xc++",
                    "-std=c++23",
                    "-stdlib=libc++",
                    "-fno-exceptions",
                    *includes,
                    *local,
                ]


def tidy(item):
    file, how = item
    done = subprocess.run(
        [
            "clang-tidy-19",
            f"--checks={CHECKS}",
            "--warnings-as-errors=*",
            "--header-filter=.*",
            "--quiet",
            str(file),
            *how,
        ],
        capture_output=True,
        text=True,
    )
    return file, done.returncode, done.stdout + (done.stderr if "error:" in done.stderr else "")


def main():
    work = {}
    for folder in sys.argv[1:]:
        for file, how in compiled(folder):
            work.setdefault(file, how)
    work.update(headers_of_applications())
    if len(work) < 30:
        sys.exit(f"only {len(work)} files hold a coroutine: is a build folder missing?")
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for file, status, text in pool.map(tidy, sorted(work.items())):
            if status:
                failed += 1
                print(f"{file.relative_to(ROOT)}:\n{text}")
    print(f"{len(work)} files checked, {failed} with findings")
    sys.exit(failed != 0)


main()
