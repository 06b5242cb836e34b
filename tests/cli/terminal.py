"""Runs a command on a pseudo-terminal, where it shows output that it does not write to a pipe."""
import os
import pty
import select
import signal
import time


def on_terminal(words, typed=b"", cwd=None, env=None, timeout=300):
    """Returns (exit status, all output on the terminal). `typed` is available from the start and is
    followed by the end of input.
    """
    child, terminal = pty.fork()
    if child == 0:
        try:
            if cwd is not None:
                os.chdir(cwd)
            environment = {**os.environ, "TERM": "xterm", **(env or {})}
            os.execvpe(str(words[0]), [str(word) for word in words], environment)
        finally:
            os._exit(127)
    os.write(terminal, typed + b"\x04")
    output, deadline = b"", time.monotonic() + timeout
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
            break
        try:
            data = os.read(terminal, 65536)
        except OSError:  # the terminal's last process is gone
            break
        if not data:
            break
        output += data
    else:
        os.kill(child, signal.SIGKILL)
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), output.decode(errors="replace")
