"""Honest clients of an image under attack. Each repeats its question as dig does: three tries, each
with a timeout.
"""

import contextlib
import os
import socket
import struct
import threading
import time

TRIES = 3


class Client(threading.Thread):
    """Asks until it is stopped. `ask` returns True for the right answer and raises OSError if no
    answer came.
    """

    def __init__(self, to, name, timeout=1.0, every=0.1):
        super().__init__()
        self.to, self.name, self.timeout, self.every = to, name, timeout, every
        self.asked, self.answered, self.times = 0, 0, []
        self.going = True

    def run(self):
        while self.going:
            self.asked += 1
            for _ in range(TRIES):
                began = time.monotonic()
                with contextlib.suppress(OSError):
                    if self.ask():
                        self.times.append(time.monotonic() - began)
                        self.answered += 1
                        break
            time.sleep(self.every)
        self.close()

    def stop(self):
        self.going = False
        self.join()
        return self

    def calibrate(self):
        """Sets and returns the timeout that fits the machine: at least five times the slowest of
        five answers without an attack.
        """
        for _ in range(5):
            began = time.monotonic()
            with contextlib.suppress(OSError):
                self.ask()
            self.timeout = max(self.timeout, 5 * (time.monotonic() - began))
        self.close()
        return self.timeout

    def close(self):
        pass

    @property
    def share(self):
        return self.answered / max(self.asked, 1)

    @property
    def worst(self):
        return max(self.times, default=0)

    def text(self):
        return (
            f"{self.name}: {self.answered} of {self.asked} answered, worst"
            f" {1000 * self.worst:.0f} ms"
        )


def question(number):
    return (
        struct.pack("!6H", number, 0x0100, 1, 0, 0, 0)
        + b"\3www\7example\3org\0"
        + struct.pack("!HH", 1, 1)
    )


def is_answer(message, number):
    return len(message) > 12 and struct.unpack_from("!4H", message)[:4] == (number, 0x8500, 1, 1)


def received(stream, count):
    got = b""
    while len(got) < count:
        some = stream.recv(count - len(got))
        if not some:
            raise ConnectionResetError("the image ended the connection")
        got += some
    return got


def is_truncated(message):
    return len(message) >= 12 and message[2] & 2 != 0


class DnsTcp(Client):
    def ask(self):
        number = int.from_bytes(os.urandom(2))
        with socket.create_connection(self.to, timeout=self.timeout) as client:
            message = question(number)
            client.sendall(struct.pack("!H", len(message)) + message)
            return is_answer(received(client, struct.unpack("!H", received(client, 2))[0]), number)


class DnsUdp(DnsTcp):
    """Repeats the question over TCP if the answer is truncated, as answers over the limit are."""

    def ask(self):
        number = int.from_bytes(os.urandom(2))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(self.timeout)
            client.connect(self.to)
            client.send(question(number))
            message = client.recv(4096)
        return super().ask() if is_truncated(message) else is_answer(message, number)


class Echo(Client):
    """A new connection each time, with 3,000 bytes, so that both queues of the image are used."""

    def ask(self):
        data = os.urandom(3000)
        with socket.create_connection(self.to, timeout=self.timeout) as client:
            client.sendall(data)
            return received(client, len(data)) == data


class KeptEcho(Client):
    """One connection for the whole attack: if the attack ends it, no further question is
    answered.
    """

    stream = None

    def ask(self):
        if self.stream is None:
            self.stream = socket.create_connection(self.to, timeout=TRIES * self.timeout)
        self.stream.settimeout(TRIES * self.timeout)
        data = os.urandom(500)
        try:
            self.stream.sendall(data)
            return received(self.stream, len(data)) == data
        except OSError:
            self.stream.close()
            raise

    def close(self):
        if self.stream is not None:
            self.stream.close()
