"""Namespaces for tests: a script that needs its own network and mounts restarts itself in new
namespaces.
"""

import os
import shutil
import subprocess
import sys
import unittest

INSIDE = "FATA_TEST_INSIDE_NAMESPACE"


def may_make_namespaces():
    tried = ["unshare", "-n", "-m", "test", "-c", "/dev/net/tun"]
    return subprocess.run(tried, capture_output=True).returncode == 0


def enter():
    """Restarts the script in its own namespaces; does not return."""
    os.execvpe(
        "unshare", ["unshare", "-n", "-m", "python3", *sys.argv], {**os.environ, INSIDE: "1"}
    )


def main(*programs, prepare=lambda: None):
    """Runs the script's tests in namespaces, or skips them and prints what is missing. `prepare` is
    called inside the namespaces.
    """
    if INSIDE in os.environ:
        prepare()
        unittest.main()
    missing = [program for program in programs if not shutil.which(program)]
    if not missing and may_make_namespaces():
        enter()
    needed = [*missing, "the right to make namespaces", "/dev/net/tun"]
    print("skipped: needs " + ", ".join(needed))
