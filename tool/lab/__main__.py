"""python3 tool/lab build | run ... | shell: the lab by hand. See the README in this folder."""
import argparse
import pathlib
import signal
import sys

# Run as a folder, this is not a package. The path makes it one.
sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])

from lab import LabError, guest, recipe, shell  # noqa: E402
from lab.machine import disk, forward  # noqa: E402
from lab.packages import CannotBuild, say  # noqa: E402


def memory(text):
    if not 1 <= int(text) <= 4096:
        raise ValueError(text)
    return int(text)


def file(text):
    path = pathlib.Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}")
    return path


def words():
    parser = argparse.ArgumentParser(
        prog="lab", description="Xen with a small dom0, inside an emulated machine."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="build | run | shell")
    commands.add_parser(
        "build", help="make what the lab boots, if it is not there; prints its folder"
    )
    run = commands.add_parser(
        "run", help="boot the lab, run one guest in it, and end as the guest ended"
    )
    what = run.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "config",
        nargs="?",
        type=file,
        help="a configuration of xl, whose kernel and ramdisk are files here",
    )
    what.add_argument("--kernel", type=file, help="the guest's kernel")
    run.add_argument("--cmdline", default="", help="the kernel's command line")
    run.add_argument("--memory", type=memory, default=32, help="the guest's, in MB (32)")
    for command in (run, commands.add_parser("shell", help="a shell in dom0; Ctrl-] leaves it")):
        command.add_argument(
            "--forward",
            action="append",
            default=[],
            type=forward,
            metavar="PROTOCOL:HOST:GUEST[@ADDRESS]",
            help="a port of this host's loopback that leads to the guest, as udp:1053:53",
        )
        command.add_argument(
            "--disk",
            action="append",
            default=[],
            type=disk,
            metavar="FILE[,ro][,sector=4096]",
            help="a raw file: the guest's xvda, xvdb, ...",
        )
    run.add_argument(
        "--save-console",
        nargs="?",
        const=pathlib.Path("console.log"),
        type=pathlib.Path,
        metavar="FILE",
        help="write the console to a file too (console.log)",
    )
    run.add_argument("--timeout", type=float, help="seconds after which the guest is destroyed")
    return parser


def usage(parser, arguments):
    try:
        return parser.parse_args(arguments)
    except SystemExit as ended:
        # argparse exits with 2 on an error.
        raise SystemExit(64 if ended.code else 0) from None


def main(arguments):
    given = usage(words(), arguments)
    # As an exception, so that everything is cleaned up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        if given.command == "build":
            print(recipe.built())
            return 0
        return guest.run(given) if given.command == "run" else shell.run(given)
    except CannotBuild as error:
        say(f"cannot be built: {error}")
        return 64
    except LabError as error:
        say(error)
        return 70
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
