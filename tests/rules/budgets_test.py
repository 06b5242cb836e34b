"""Compares docs/budgets.md with the sources. Every container that is a member of a class in an
image must be in one of the page's two tables, and every name in the tables must exist, including
the tests that reach the bounds.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/budgets.md"
# Headers of code that runs in an image. Intrusive lists own nothing and are excluded.
HEADERS = (
    "lib/*/include",
    "lib/*/src",
    "async/include",
    "apps",
    "base/include",
    "platform/**/include",
    "platform/**/src",
)
NOT_IN_IMAGES = ("lib/crunch/include/fata/crunch/build.hpp", "platform/sim/")
OWNS = re.compile(
    r"^\s+(?:mutable"
    r" )?(?:std::(?:vector|deque|list|queue|map|multimap|set|string|basic_string|unordered_\w+)\b"
    r"|Ring<|(?:async::)?Channel<|"
    r"std::unique_ptr<[\w:]+\[\]|std::array<std::unique_ptr)[^()=]*?[ >]((?:\w+(?:,"
    r" )?)+)(?:\{[^}]*\}| = [^;]*)?;"
)


def rows(text, heading):
    """The rows of the table below the heading, as cells, without the two header lines."""
    part = text.split(heading, 1)[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def quoted(cell):
    return re.findall(r"`([^`]+)`", cell)


def files():
    for pattern in HEADERS:
        for folder in ROOT.glob(pattern):
            for file in sorted(folder.rglob("*.hpp")):
                name = str(file.relative_to(ROOT))
                if ".fata" not in file.parts and not name.startswith(NOT_IN_IMAGES):
                    yield name, file


def containers():
    """(file, member) of each container."""
    for name, file in files():
        for line in file.read_text().splitlines():
            code = line.split("//")[0].rstrip()
            found = OWNS.match(code)
            if found and not re.match(r"\s+(return|using|static|const auto)", code):
                for member in found[1].split(", "):
                    yield name, member


def short(name):
    """tcp/table.hpp for lib/tcp/include/fata/tcp/table.hpp"""
    return re.sub(r".*/include/fata/", "", name)


def is_test(name):
    if (ROOT / name).exists():
        return True
    suite, dot, case = name.partition(".")
    if suite == "attacks":
        return f"def {case}(" in (ROOT / "tests/attacks/attacks.py").read_text()
    pattern = f"^TEST(_F|_P)?\\({re.escape(suite)}, {re.escape(case)}\\)"
    return (
        bool(dot)
        and subprocess.run(
            [
                "grep",
                "-rqE",
                pattern,
                "--include=*.cpp",
                *[str(ROOT / top) for top in ("async", "base", "lib", "platform", "tests")],
            ]
        ).returncode
        == 0
    )


def main():
    text = PAGE.read_text()
    wrong = []
    known = {short(name) for name, _ in files()}
    bounded, still = set(), set()
    for row in rows(text, "# What a peer's bytes can make grow"):
        if len(row) != 6 or not all(row):
            wrong.append(f"a row needs six cells: {row[0]}")
            continue
        bounded.update(quoted(row[1]))
        wrong += [f"{row[0]}: no header {name}" for name in quoted(row[1]) if name not in known]
        tests = quoted(row[5])
        wrong += [f"{row[0]}: no test reaches its bound"] if not tests else []
        wrong += [f"{row[0]}: there is no test {name}" for name in tests if not is_test(name)]
    for file, members, _ in rows(text, "## Containers that no peer makes grow"):
        still.update((name, member) for name in quoted(file) for member in quoted(members))
    found = [(short(name), member) for name, member in containers()]
    if len(found) < 60:
        wrong.append(f"only {len(found)} containers found: is the search out of date?")
    wrong += [
        f"{name}: {member} can grow, and is in neither table of {PAGE.name}"
        for name, member in found
        if name not in bounded and (name, member) not in still
    ]
    wrong += [
        f"{name}: there is no container {member}" for name, member in sorted(still - set(found))
    ]
    for line in wrong:
        print(line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
