"""A NIC, a disk and a randomness source that lie."""
import os
import socket
import struct
import time

from frames import ACK, SYN, echo, tcp, udp
from lies import EVENT_IDX, Liar

HERE, GUEST = "10.66.0.1", "10.66.0.2"
OUR_MAC = bytes.fromhex("525400000001")


def filled(device, memory, chain, data):
    """Writes data into the device-writable buffers of a chain; returns the number of bytes that
    fitted.
    """
    written = 0
    for address, length, is_writable in chain:
        if is_writable and written < len(data):
            part = data[written : written + length]
            if device.owns:
                memory.write(address, part)
            written += len(part)
    return written


class Net(Liar):
    """A NIC with a neighbour that sends ARP requests, pings and queries."""

    # The driver keeps its buffers forever. A buffer that it took back because of a lie is still
    # never used as other memory.
    HARMLESS = Liar.HARMLESS | {
        "lie_another_id",
        "lie_index_jumps",
        "lie_index_goes_back",
        "lie_twice",
        "lie_old_id",
        "lie_late_write",
        "lie_flickering_element",
        "lie_header",
        "lie_frame",
    }
    OPTIONAL = EVENT_IDX | 1 << 15 | 0x1 | 0x2 | 0x180 | 0x200 | 0x1800 | 0x2000 | 1 << 3
    FEATURES = Liar.FEATURES | OPTIONAL
    RINGS = 2
    RECEIVE, TRANSMIT = 0, 1

    def __init__(self, path, random, is_honest=False, only=None, port=53):
        super().__init__(path, random, is_honest, only)
        self.port, self.mac, self.next, self.count = port, b"\xff" * 6, 0.0, 0
        self.answers = []  # frames for the guest, not sent yet
        self.heard = 0  # packets from the guest to this neighbour

    def serve(self, index, ring):
        return self.hear(ring) if index == self.TRANSMIT else self.speak(ring)

    def hear(self, ring):
        taken = ring.take()
        if taken is None:
            return False
        head, chain = taken
        frame = b"".join(
            ring.memory.read(a, length) for a, length, is_writable in chain if not is_writable
        )[12:]
        if len(frame) >= 14:
            self.mac = frame[6:12]
            if (
                frame[12:14] == b"\x08\x06"
                and frame[20:22] == b"\0\1"
                and frame[38:42] == socket.inet_aton(HERE)
            ):
                self.answers.append(
                    frame[6:12]
                    + OUR_MAC
                    + frame[12:20]
                    + b"\0\2"
                    + OUR_MAC
                    + frame[38:42]
                    + frame[22:32]
                )
            elif frame[12:14] == b"\x08\x00" and frame[30:34] == socket.inet_aton(HERE):
                self.heard += 1
        self.complete(self.TRANSMIT, ring, head, chain, 0)
        return True

    def speak(self, ring):
        now = time.monotonic()
        if not self.answers and now < self.next:
            return False
        taken = ring.take()
        if taken is None:
            return False
        self.next = now + (0.002 if self.count > 20 else 0.02)
        self.count += 1
        head, chain = taken
        frame = self.answers.pop() if self.answers else self.frame()
        is_lying = self.done >= self.honest_for and self.random.random() < self.share
        header = struct.pack("<BBHHHHH", 0, 0, 0, 0, 0, 0, 1)
        if is_lying and "lie_header" in self.lies:
            header = self.header()
        if is_lying and "lie_frame" in self.lies:
            frame = self.mangled(frame)
        self.complete(
            self.RECEIVE, ring, head, chain, filled(self, ring.memory, chain, header + frame)
        )
        return True

    def frame(self):
        """A frame that a neighbour sends."""
        kind = self.random.randrange(6)
        if self.count == 1 or kind == 0:
            ask = (
                bytes.fromhex("0001080006040001")
                + OUR_MAC
                + socket.inet_aton(HERE)
                + bytes(6)
                + socket.inet_aton(GUEST)
            )
            return b"\xff" * 6 + OUR_MAC + b"\x08\x06" + ask
        question = (
            struct.pack("!6H", self.count % 65536, 0x100, 1, 0, 0, 0)
            + b"\3www\7example\3org\0\0\1\0\1"
        )
        packet = (
            udp(HERE, GUEST, 4000 + self.count % 1000, self.port, question),
            echo(
                HERE,
                GUEST,
                self.count % 65536,
                self.random.randbytes(self.random.choice((0, 8, 56, 1400))),
            ),
            tcp(
                HERE,
                GUEST,
                4000 + self.count % 1000,
                self.port,
                self.count,
                0,
                SYN,
                options=b"\2\4\5\xb4",
            ),
            tcp(
                HERE,
                GUEST,
                4000 + self.count % 1000,
                self.port,
                self.count,
                self.number(32),
                ACK,
                b"x" * self.random.choice((1, 1400)),
            ),
            udp(HERE, GUEST, 4000, self.random.randrange(65536), self.random.randbytes(100)),
        )[kind - 1]
        return self.mac + OUR_MAC + b"\x08\x00" + packet

    def header(self):
        kind = self.random.choice((0, 1, 4, 3, 5, 0x81, 0x84, self.number(8)))
        count = self.random.choice((0, 1, 2, 3, 17, 20, 21, 22, 255, 256, 65535, self.number(16)))
        return struct.pack(
            "<BBHHHHH",
            self.random.choice((0, 1, 2, 3, self.number(8))),
            kind,
            self.number(16),
            self.number(16),
            self.number(16),
            self.number(16),
            count,
        )

    def mangled(self, frame):
        way = self.random.randrange(4)
        if way == 0:
            return self.random.randbytes(
                self.random.choice((0, 1, 2, 13, 14, 15, 33, 34, 60, 1514, 2036, 4084, 65536))
            )
        if way == 1:
            return frame[: self.random.randrange(len(frame) + 1)]
        if way == 2:
            return frame + self.random.randbytes(self.random.choice((1, 600, 4000, 60000)))
        changed = bytearray(frame)
        for _ in range(self.random.choice((1, 2, 8))):
            changed[self.random.randrange(len(changed))] = self.number(8)
        return bytes(changed)

    def lie_header(self, ring, head, chain, written):
        """speak() has already told the lie."""
        ring.put(head, written)

    lie_frame = lie_header

    def options(self, is_honest):
        """QEMU's options for the device's own properties."""
        if is_honest:
            return ""
        mtu = self.random.choice(
            (0, 0, 0, 68, 69, 576, 1279, 1280, 1500, 9000, 65535, self.number(16))
        )
        size = self.random.choice((256, 256, 512, 1024))
        return f",host_mtu={mtu},tx_queue_size={size}"


class Block(Liar):
    """A disk with its own content."""

    UNFAIR = ("lie_late_write",)  # a read buffer belongs to the application again
    OPTIONAL = EVENT_IDX | 1 << 1 | 1 << 2 | 1 << 5 | 1 << 6 | 1 << 9 | 1 << 10 | 1 << 13
    # Excludes the read-only feature, which would end the test of a disk early.
    FEATURES = Liar.FEATURES | OPTIONAL & ~(1 << 5)
    SECTORS = 2048
    CONFIG = (
        ("capacity", 64, SECTORS),
        ("size_max", 32, 65536),
        ("seg_max", 32, 126),
        ("geometry", 32, 0),
        ("blk_size", 32, 512),
        ("exponent", 8, 0),
        ("offset", 8, 0),
        ("min_io", 16, 1),
        ("opt_io", 32, 1),
        ("wce", 8, 1),
        ("unused", 8, 0),
        ("queues", 16, 1),
        ("max_discard", 32, 2048),
        ("discard_segments", 32, 1),
        ("discard_alignment", 32, 1),
    )

    def __init__(self, path, random, is_honest=False, only=None, port=0):
        super().__init__(path, random, is_honest, only)
        self.disk = bytearray(512 * self.SECTORS)

    def configuration(self, is_honest):
        lies = 0 if is_honest else self.random.choice((0, 0, 0, 1, 2, len(self.CONFIG)))
        wrong = set(self.random.sample([name for name, *_ in self.CONFIG], lies))
        config = b""
        for name, bits, value in self.CONFIG:
            config += (self.number(bits) if name in wrong else value).to_bytes(bits // 8, "little")
        return config

    def serve(self, index, ring):
        taken = ring.take()
        if taken is None:
            return False
        head, chain = taken
        request = b"".join(
            ring.memory.read(a, length) for a, length, is_writable in chain if not is_writable
        )
        room = sum(length for _, length, is_writable in chain if is_writable)
        kind, _, sector = struct.unpack("<IIQ", request[:16])
        begin, status, data = sector * 512, 0, b""
        if kind == 0:
            data = (
                bytes(self.disk[begin : begin + room - 1]).ljust(room - 1, b"\0")
                if begin < len(self.disk)
                else bytes(room - 1)
            )
        elif kind == 1 and begin < len(self.disk):
            self.disk[begin : begin + len(request) - 16] = request[16 : 16 + len(self.disk) - begin]
        if (
            self.done >= self.honest_for
            and "lie_status" in self.lies
            and self.random.random() < self.share
        ):
            status = self.random.choice((1, 2, 3, 255, self.number(8)))
        self.complete(
            0, ring, head, chain, filled(self, ring.memory, chain, data + bytes((status,)))
        )
        return True

    def lie_status(self, ring, head, chain, written):
        """serve() has already told the lie."""
        ring.put(head, written)

    def options(self, is_honest):
        return (
            "" if is_honest else f",queue-size={self.random.choice((2, 4, 8, 16, 128, 256, 1024))}"
        )


class Rng(Liar):
    """A randomness source."""

    def __init__(self, path, random, is_honest=False, only=None, port=0):
        super().__init__(path, random, is_honest, only)

    def serve(self, index, ring):
        taken = ring.take()
        if taken is None:
            return False
        head, chain = taken
        data = os.urandom(self.random.choice((64, 64, 1, 0) if self.lies else (64,)))
        self.complete(0, ring, head, chain, filled(self, ring.memory, chain, data))
        return True

    def options(self, is_honest):
        return ""
