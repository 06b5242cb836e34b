"""Virtio devices that behave well for a while and then lie, as a seed has it. A lie is a method of a device whose name begins
with lie_; which of them a device tells, how often and from when on is drawn once, at its begin."""
import os
import socket
import struct
import time

from frames import ACK, SYN, echo, tcp, udp
from vhost_user import Backend, Outside

VERSION_1, EVENT_IDX, NOTIFY_ON_EMPTY, INDIRECT = 1 << 32, 1 << 29, 1 << 24, 1 << 28
INTERESTING = (0, 1, 2, 3, 4, 7, 8, 12, 13, 14, 20, 40, 60, 68, 127, 128, 255, 256, 511, 512, 513, 1023, 1460, 1500, 2047, 2048, 4095, 4096,
               32767, 32768, 65535, 65536, 2**20, 2**31 - 1, 2**31, 2**32 - 1, 2**33, 2**54, 2**55 - 1, 2**55, 2**63, 2**64 - 1)  # fmt: skip
HERE, GUEST = "10.66.0.1", "10.66.0.2"
OUR_MAC = bytes.fromhex("525400000001")


class Liar(Backend):
    """What lies of every kind of device have in common: those about rings."""

    FEATURES = VERSION_1 | EVENT_IDX | NOTIFY_ON_EMPTY | INDIRECT
    OPTIONAL = EVENT_IDX
    RINGS = 1
    UNFAIR = ()  # lies that it does not tell
    # Those after which it still knows which buffers are its own.
    HARMLESS = {"lie_too_long", "lie_another_length", "lie_never", "lie_wishes", "lie_storm", "lie_id_out_of_range", "lie_status"}

    def __init__(self, path, random, is_honest=False, only=None):
        self.random = random
        features = self.FEATURES
        if not is_honest and random.random() < 0.5:
            features &= ~(random.getrandbits(64) & self.OPTIONAL)
        super().__init__(path, features, self.configuration(is_honest), self.RINGS)
        known = sorted(name for name in dir(self) if name.startswith("lie_") and name not in self.UNFAIR)
        chosen = random.sample(known, random.choice((1, 1, 1, 2, 3, len(known))))
        self.lies = [] if is_honest else [f"lie_{only}"] if only else chosen
        self.share = random.choice((0.01, 0.1, 0.5, 1.0))  # of the operations in which it lies
        self.honest_for = random.choice((0, 1, 10, 50, 200, 500))  # operations
        self.begun = {}  # by ring: operations
        self.done = self.told = 0
        self.known = []  # (ring, head, chain) that were given back, of late
        # After a lie by which the driver may have taken back more than what we know, or sent us elsewhere, we write to no buffer
        # any more: whatever writes to memory that it does not own needs no driver to do harm.
        self.owns = True

    def __str__(self):
        names = " ".join(name[4:] for name in self.lies) or "none"
        return f"lies {names}; in {self.share:.0%} of what comes after the first {self.honest_for}; features {self.features:#x}"

    def configuration(self, is_honest):
        return b""

    def number(self, bits):
        """Any number: mostly one at which something changes."""
        value = self.random.choice(INTERESTING) + self.random.choice((0, 0, 0, -1, 1)) if self.random.random() < 0.7 else self.random.getrandbits(bits)
        return value % 2**bits

    def works(self):
        """Looks at all rings once. True if there was anything to do."""
        busy = False
        for index, ring in enumerate(self.rings):
            try:
                busy |= self.serve(index, ring)
            except Outside:
                ring.enabled = False  # its memory is what we lied it into, or gone
        return busy

    def serve(self, index, ring):
        raise NotImplementedError

    def give_back(self, index, ring, head, chain, written):
        """Puts a chain into the used ring, or tells a lie."""
        self.done += 1
        self.known = [*self.known[-63:], (index, head, chain)]
        if self.done <= self.honest_for or not self.lies or self.random.random() >= self.share:
            ring.put(head, written)
            ring.interrupt()
            return
        self.told += 1
        lie = self.random.choice(self.lies)
        self.owns &= lie in self.HARMLESS
        getattr(self, lie)(ring, head, chain, written)
        if self.random.random() < 0.9:
            ring.interrupt()

    def lie_id_out_of_range(self, ring, head, chain, written):
        ring.put(self.random.choice((ring.size, ring.size + 1, 65535, 65536 + head, 2**31, 2**32 - 1, self.number(32))), written)

    def lie_another_id(self, ring, head, chain, written):
        ring.put(self.random.randrange(ring.size), written)

    def lie_too_long(self, ring, head, chain, written):
        room = sum(length for _, length, is_writable in chain if is_writable)
        ring.put(head, self.random.choice((room + 1, room + 4096, 65536, 2**31, 2**32 - 1, self.number(32))))

    def lie_another_length(self, ring, head, chain, written):
        room = sum(length for _, length, is_writable in chain if is_writable)
        ring.put(head, self.random.randrange(room + 1))

    def lie_index_jumps(self, ring, head, chain, written):
        ring.put(head, written)
        jump = self.random.choice((1, 2, ring.size - 1, ring.size, ring.size + 1, 32768, 65535, self.number(16)))
        ring.set_used(ring.used_index + jump)

    def lie_index_goes_back(self, ring, head, chain, written):
        ring.put(head, written)
        ring.set_used(ring.used_index - self.random.choice((1, 2, ring.size)))

    def lie_twice(self, ring, head, chain, written):
        for _ in range(self.random.choice((2, 2, 3, ring.size + 1))):
            ring.put(head, written)

    def lie_old_id(self, ring, head, chain, written):
        ring.put(head, written)
        ring.put(self.random.choice(self.known)[1], written)

    def lie_never(self, ring, head, chain, written):
        """The chain never comes back."""

    def lie_scribble(self, ring, head, chain, written):
        """Over the rings, the driver's part included."""
        for _ in range(self.random.choice((1, 8, 64))):
            address, size = self.random.choice(ring.parts())
            data = self.random.randbytes(self.random.choice((1, 2, 4, 8, 16)))
            ring.memory.write(address + self.random.randrange(size - len(data) + 1), data)
        ring.put(head, written)

    def lie_wishes(self, ring, head, chain, written):
        """What the device wishes to be notified of, and its flags."""
        ring.put(head, written)
        ring.memory.write(ring.used, struct.pack("<H", self.number(16)))
        ring.memory.write(ring.used + 4 + 8 * ring.size, struct.pack("<H", self.number(16)))

    def lie_storm(self, ring, head, chain, written):
        ring.put(head, written)
        for _ in range(self.random.choice((10, 300))):
            ring.interrupt()

    def lie_late_write(self, ring, head, chain, written):
        """Into buffers that were given back, while the driver may read them."""
        ring.put(head, written)
        ring.interrupt()
        for _ in range(200):
            _, _, old = self.random.choice(self.known)
            address, length, is_writable = self.random.choice(old)
            if is_writable and length:
                size = min(length, self.random.choice((1, 2, 4, 12, 64)))
                at = self.random.randrange(min(length, 128) - min(size, 128) + 1)
                ring.memory.write(address + at, self.random.randbytes(size))

    def lie_flickering_element(self, ring, head, chain, written):
        """The element changes while the driver looks at it."""
        place = ring.used_index
        ring.put(head, written)
        ring.interrupt()
        for _ in range(300):
            ring.element(place, self.number(32), self.number(32))
            ring.element(place, head, written)


def filled(device, memory, chain, data):
    """Writes data into what a chain lets the device write; returns how much found room."""
    written = 0
    for address, length, is_writable in chain:
        if is_writable and written < len(data):
            part = data[written : written + length]
            if device.owns:
                memory.write(address, part)
            written += len(part)
    return written


class Net(Liar):
    """A network card, and the network behind it: a neighbour that asks for addresses, pings, queries, connects."""

    # Its buffers are the driver's for good: one that was taken back by a lie is still no other memory.
    HARMLESS = Liar.HARMLESS | {"lie_another_id", "lie_index_jumps", "lie_index_goes_back", "lie_twice", "lie_old_id", "lie_late_write",
                                "lie_flickering_element", "lie_header", "lie_frame"}  # fmt: skip
    OPTIONAL = EVENT_IDX | 1 << 15 | 0x1 | 0x2 | 0x180 | 0x200 | 0x1800 | 0x2000 | 1 << 3
    FEATURES = Liar.FEATURES | OPTIONAL
    RINGS = 2
    RECEIVE, TRANSMIT = 0, 1

    def __init__(self, path, random, is_honest=False, only=None, port=53):
        super().__init__(path, random, is_honest, only)
        self.port, self.mac, self.next, self.count = port, b"\xff" * 6, 0.0, 0
        self.answers = []  # frames that wait for the guest
        self.heard = 0  # packets of the guest's for us

    def serve(self, index, ring):
        return self.hear(ring) if index == self.TRANSMIT else self.speak(ring)

    def hear(self, ring):
        taken = ring.take()
        if taken is None:
            return False
        head, chain = taken
        frame = b"".join(ring.memory.read(a, length) for a, length, is_writable in chain if not is_writable)[12:]
        if len(frame) >= 14:
            self.mac = frame[6:12]
            if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\1" and frame[38:42] == socket.inet_aton(HERE):
                self.answers.append(frame[6:12] + OUR_MAC + frame[12:20] + b"\0\2" + OUR_MAC + frame[38:42] + frame[22:32])
            elif frame[12:14] == b"\x08\x00" and frame[30:34] == socket.inet_aton(HERE):
                self.heard += 1
        self.give_back(self.TRANSMIT, ring, head, chain, 0)
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
        self.give_back(self.RECEIVE, ring, head, chain, filled(self, ring.memory, chain, header + frame))
        return True

    def frame(self):
        """What a neighbour sends."""
        kind = self.random.randrange(6)
        if self.count == 1 or kind == 0:
            ask = bytes.fromhex("0001080006040001") + OUR_MAC + socket.inet_aton(HERE) + bytes(6) + socket.inet_aton(GUEST)
            return b"\xff" * 6 + OUR_MAC + b"\x08\x06" + ask
        question = struct.pack("!6H", self.count % 65536, 0x100, 1, 0, 0, 0) + b"\3www\7example\3org\0\0\1\0\1"
        packet = (
            udp(HERE, GUEST, 4000 + self.count % 1000, self.port, question),
            echo(HERE, GUEST, self.count % 65536, self.random.randbytes(self.random.choice((0, 8, 56, 1400)))),
            tcp(HERE, GUEST, 4000 + self.count % 1000, self.port, self.count, 0, SYN, options=b"\2\4\5\xb4"),
            tcp(HERE, GUEST, 4000 + self.count % 1000, self.port, self.count, self.number(32), ACK, b"x" * self.random.choice((1, 1400))),
            udp(HERE, GUEST, 4000, self.random.randrange(65536), self.random.randbytes(100)),
        )[kind - 1]
        return self.mac + OUR_MAC + b"\x08\x00" + packet

    def header(self):
        kind = self.random.choice((0, 1, 4, 3, 5, 0x81, 0x84, self.number(8)))
        count = self.random.choice((0, 1, 2, 3, 17, 20, 21, 22, 255, 256, 65535, self.number(16)))
        return struct.pack("<BBHHHHH", self.random.choice((0, 1, 2, 3, self.number(8))), kind, self.number(16), self.number(16),
                           self.number(16), self.number(16), count)  # fmt: skip

    def mangled(self, frame):
        way = self.random.randrange(4)
        if way == 0:
            return self.random.randbytes(self.random.choice((0, 1, 2, 13, 14, 15, 33, 34, 60, 1514, 2036, 4084, 65536)))
        if way == 1:
            return frame[: self.random.randrange(len(frame) + 1)]
        if way == 2:
            return frame + self.random.randbytes(self.random.choice((1, 600, 4000, 60000)))
        changed = bytearray(frame)
        for _ in range(self.random.choice((1, 2, 8))):
            changed[self.random.randrange(len(changed))] = self.number(8)
        return bytes(changed)

    def lie_header(self, ring, head, chain, written):
        """speak() has done it."""
        ring.put(head, written)

    lie_frame = lie_header

    def options(self, is_honest):
        """QEMU's options for what of the device is its own."""
        if is_honest:
            return ""
        mtu = self.random.choice((0, 0, 0, 68, 69, 576, 1279, 1280, 1500, 9000, 65535, self.number(16)))
        size = self.random.choice((256, 256, 512, 1024))
        return f",host_mtu={mtu},tx_queue_size={size}"


class Block(Liar):
    """A disk whose content is its own."""

    UNFAIR = ("lie_late_write",)  # what was read belongs to the application again
    OPTIONAL = EVENT_IDX | 1 << 1 | 1 << 2 | 1 << 5 | 1 << 6 | 1 << 9 | 1 << 10 | 1 << 13
    # Read-only is a lie that ends the test of a disk early: seldom.
    FEATURES = Liar.FEATURES | OPTIONAL & ~(1 << 5)
    SECTORS = 2048
    CONFIG = (("capacity", 64, SECTORS), ("size_max", 32, 65536), ("seg_max", 32, 126), ("geometry", 32, 0), ("blk_size", 32, 512),
              ("exponent", 8, 0), ("offset", 8, 0), ("min_io", 16, 1), ("opt_io", 32, 1), ("wce", 8, 1), ("unused", 8, 0), ("queues", 16, 1),
              ("max_discard", 32, 2048), ("discard_segments", 32, 1), ("discard_alignment", 32, 1))  # fmt: skip

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
        request = b"".join(ring.memory.read(a, length) for a, length, is_writable in chain if not is_writable)
        room = sum(length for _, length, is_writable in chain if is_writable)
        kind, _, sector = struct.unpack("<IIQ", request[:16])
        begin, status, data = sector * 512, 0, b""
        if kind == 0:
            data = bytes(self.disk[begin : begin + room - 1]).ljust(room - 1, b"\0") if begin < len(self.disk) else bytes(room - 1)
        elif kind == 1 and begin < len(self.disk):
            self.disk[begin : begin + len(request) - 16] = request[16 : 16 + len(self.disk) - begin]
        if self.done >= self.honest_for and "lie_status" in self.lies and self.random.random() < self.share:
            status = self.random.choice((1, 2, 3, 255, self.number(8)))
        self.give_back(0, ring, head, chain, filled(self, ring.memory, chain, data + bytes((status,))))
        return True

    def lie_status(self, ring, head, chain, written):
        """serve() has done it."""
        ring.put(head, written)

    def options(self, is_honest):
        return "" if is_honest else f",queue-size={self.random.choice((2, 4, 8, 16, 128, 256, 1024))}"


class Rng(Liar):
    """A source of bytes."""

    def __init__(self, path, random, is_honest=False, only=None, port=0):
        super().__init__(path, random, is_honest, only)

    def serve(self, index, ring):
        taken = ring.take()
        if taken is None:
            return False
        head, chain = taken
        data = os.urandom(self.random.choice((64, 64, 1, 0) if self.lies else (64,)))
        self.give_back(0, ring, head, chain, filled(self, ring.memory, chain, data))
        return True

    def options(self, is_honest):
        return ""
