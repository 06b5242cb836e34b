"""A program on a pseudo-terminal: wait for its output, type, interrupt it."""
import os
import pty
import re
import select
import signal
import time


class Session:
    def __init__(self, words, cwd, env=None):
        self.words, self.shown, self.status = words, "", None
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            try:
                os.chdir(cwd)
                os.execvpe(words[0], words, {**os.environ, "TERM": "xterm", **(env or {})})
            finally:
                os._exit(127)

    def _read(self, end):
        """Returns False at the end of output, or at the deadline."""
        if not select.select([self.terminal], [], [], max(0, end - time.monotonic()))[0]:
            return False
        try:
            data = os.read(self.terminal, 65536)
        except OSError:  # its last process has closed the terminal
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)

    def expect(self, pattern, timeout=1800):
        """Waits until the terminal shows a match, and returns it."""
        end = time.monotonic() + timeout
        while not (found := re.search(pattern, self.shown)):
            if not self._read(end):
                self.close()
                raise AssertionError(f"{self.words} did not show {pattern!r} but:\n{self.shown}")
        return found

    def left(self):
        """The text left on the screen, without overwritten progress lines."""
        return "".join(
            line.rpartition("\033[K")[2]
            for line in self.shown.replace("\r", "").splitlines(keepends=True)
        )

    def type(self, text):
        os.write(self.terminal, text.encode())

    def wait(self, timeout=1800):
        """Reads all output, then returns the exit status."""
        end = time.monotonic() + timeout
        while self._read(end):
            pass
        if time.monotonic() >= end:
            self.close()
            raise AssertionError(f"{self.words} did not end but showed:\n{self.shown}")
        self.status = os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])
        os.close(self.terminal)
        return self.status

    def close(self):
        if self.status is None:
            os.killpg(self.child, signal.SIGKILL)  # pty.fork made it the leader of a session
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])
            os.close(self.terminal)
