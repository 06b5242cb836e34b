"""Follows docs/tutorial page by page in one shell. It writes the files (```cpp FILE, ```text FILE),
runs the commands of the ```console blocks, and searches the output for the lines below each
command, in order. In an expected line `...` matches any text; an output line may have more text at
its start or end. A command that ends in `&` runs until its lines have appeared.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The user's own cache, although the pages run with a scratch home.
CACHE = os.environ.get("CCACHE_DIR", os.path.expanduser("~/.cache/ccache"))
PATIENCE = 240  # seconds for a command: the first one of a clone builds everything


def blocks(page):
    """(kind, file, lines) of each fenced block."""
    block = None
    for line in page.read_text().splitlines():
        if block is None and (match := re.match(r"^```(\w+) ?(\S*)$", line)):
            block = (match[1], match[2], [])
        elif block and line == "```":
            yield block
            block = None
        elif block:
            block[2].append(line)


def commands(lines):
    """(command, expected lines) for each command of a console block."""
    found = []
    for line in lines:
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def pattern(expected):
    return re.compile(
        ".*".join(re.escape(line).replace(r"\.\.\.", ".*") + r".*\n" for line in expected),
        re.DOTALL,
    )


class Shell:
    def __init__(self, home):
        self.log = home / "log"
        self.out = open(self.log, "wb")
        self.bash = subprocess.Popen(
            ["bash"],
            stdin=subprocess.PIPE,
            stdout=self.out,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            env={**os.environ, "HOME": str(home), "CCACHE_DIR": CACHE},
            text=True,
        )
        self.write("set -m\n")

    def write(self, text):
        self.bash.stdin.write(text)
        self.bash.stdin.flush()

    def run(self, command, expected):
        """Returns None, or a description of the failure."""
        begin = self.log.stat().st_size
        background = command.endswith("&")
        self.write(command + "\n" + ("" if background else "echo; echo ==done==\n"))
        done = pattern(expected) if background else re.compile(r"\n==done==\n")
        end = time.monotonic() + PATIENCE
        while not done.search(self.seen(begin)):
            if self.bash.poll() is not None or time.monotonic() > end:
                return "did not come to its end"
            time.sleep(0.05)
        return (
            None if pattern(expected).search(self.seen(begin)) else "did not say what the page says"
        )

    def seen(self, begin):
        return self.log.read_bytes()[begin:].decode(errors="replace").replace("\r", "")

    def close(self):
        """Kills the remaining jobs. Each is a separate process group, a child of the shell."""
        for child in (
            pathlib.Path(f"/proc/{self.bash.pid}/task/{self.bash.pid}/children").read_text().split()
        ):
            os.killpg(int(child), signal.SIGKILL)
        self.bash.kill()
        self.bash.wait()


def main():
    # The same folder each time, so that a compiler cache helps.
    home = pathlib.Path(os.environ.get("FATA_TEST_BUILD", tempfile.gettempdir())) / "tutorial"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    shell = Shell(home)
    ran = 0
    try:
        for page in sorted((ROOT / "docs/tutorial").glob("0*.md")):
            for kind, file, lines in blocks(page):
                if file:
                    path = home / "unikernels" / file
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text("\n".join(lines) + "\n")
                for command, expected in commands(lines) if kind == "console" else []:
                    begin = shell.log.stat().st_size
                    if wrong := shell.run(command, expected):
                        sys.exit(
                            f"{page.name}: `{command}` {wrong}:\n"
                            + "\n".join(expected)
                            + "\nbut:\n"
                            + shell.seen(begin)
                        )
                    ran += 1
    finally:
        shell.close()
        shutil.rmtree(home, ignore_errors=True)
    if ran < 30:
        sys.exit(f"only {ran} commands were found: the pages are not read as they should be")
    print(f"{ran} commands did what the tutorial says")


main()
