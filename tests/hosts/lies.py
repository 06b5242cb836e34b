"""The common part of lying virtio devices: they behave well for a while and then lie, controlled by
a seed. A lie is a method whose name begins with lie_. The constructor draws which of them a device
tells, how often, and from when on. The devices themselves are in devices.py."""
import struct

from vhost_user import Backend, Outside

VERSION_1, EVENT_IDX, NOTIFY_ON_EMPTY, INDIRECT = 1 << 32, 1 << 29, 1 << 24, 1 << 28
INTERESTING = (
    0,
    1,
    2,
    3,
    4,
    7,
    8,
    12,
    13,
    14,
    20,
    40,
    60,
    68,
    127,
    128,
    255,
    256,
    511,
    512,
    513,
    1023,
    1460,
    1500,
    2047,
    2048,
    4095,
    4096,
    32767,
    32768,
    65535,
    65536,
    2**20,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**33,
    2**54,
    2**55 - 1,
    2**55,
    2**63,
    2**64 - 1,
)


class Liar(Backend):
    """A device that lies about its rings, as every kind of device can."""

    FEATURES = VERSION_1 | EVENT_IDX | NOTIFY_ON_EMPTY | INDIRECT
    OPTIONAL = EVENT_IDX
    RINGS = 1
    UNFAIR = ()  # lies that it does not tell
    # Lies after which the device still knows which buffers it owns.
    HARMLESS = {
        "lie_too_long",
        "lie_another_length",
        "lie_never",
        "lie_wishes",
        "lie_storm",
        "lie_id_out_of_range",
        "lie_status",
    }

    def __init__(self, path, random, is_honest=False, only=None):
        self.random = random
        features = self.FEATURES
        if not is_honest and random.random() < 0.5:
            features &= ~(random.getrandbits(64) & self.OPTIONAL)
        super().__init__(path, features, self.configuration(is_honest), self.RINGS)
        known = sorted(
            name for name in dir(self) if name.startswith("lie_") and name not in self.UNFAIR
        )
        chosen = random.sample(known, random.choice((1, 1, 1, 2, 3, len(known))))
        self.lies = [] if is_honest else [f"lie_{only}"] if only else chosen
        self.share = random.choice((0.01, 0.1, 0.5, 1.0))  # the share of operations with a lie
        self.honest_for = random.choice((0, 1, 10, 50, 200, 500))  # operations
        self.done = self.told = 0
        self.known = []  # the most recent (ring, head, chain) that were returned
        # False after a lie that may have made the driver take back more buffers than the device
        # knows, or that sent the device elsewhere. The device then writes to no buffer, because a
        # write to memory that it does not own harms the guest whatever the driver does.
        self.owns = True

    def __str__(self):
        names = " ".join(name[4:] for name in self.lies) or "none"
        share = f"in {self.share:.0%} of what comes after the first {self.honest_for}"
        return f"lies {names}; {share}; features {self.features:#x}"

    def configuration(self, is_honest):
        return b""

    def number(self, bits):
        """Any number; usually one near an interesting boundary."""
        value = (
            self.random.choice(INTERESTING) + self.random.choice((0, 0, 0, -1, 1))
            if self.random.random() < 0.7
            else self.random.getrandbits(bits)
        )
        return value % 2**bits

    def works(self):
        """Processes all rings once. Returns True if there was work."""
        busy = False
        for index, ring in enumerate(self.rings):
            try:
                busy |= self.serve(index, ring)
            except Outside:
                ring.enabled = False  # its memory was replaced by a lie, or is gone
        return busy

    def serve(self, index, ring):
        raise NotImplementedError

    def complete(self, index, ring, head, chain, written):
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
        ring.put(
            self.random.choice(
                (
                    ring.size,
                    ring.size + 1,
                    65535,
                    65536 + head,
                    2**31,
                    2**32 - 1,
                    self.number(32),
                )
            ),
            written,
        )

    def lie_another_id(self, ring, head, chain, written):
        ring.put(self.random.randrange(ring.size), written)

    def lie_too_long(self, ring, head, chain, written):
        room = sum(length for _, length, is_writable in chain if is_writable)
        ring.put(
            head,
            self.random.choice(
                (room + 1, room + 4096, 65536, 2**31, 2**32 - 1, self.number(32))
            ),
        )

    def lie_another_length(self, ring, head, chain, written):
        room = sum(length for _, length, is_writable in chain if is_writable)
        ring.put(head, self.random.randrange(room + 1))

    def lie_index_jumps(self, ring, head, chain, written):
        ring.put(head, written)
        jump = self.random.choice(
            (1, 2, ring.size - 1, ring.size, ring.size + 1, 32768, 65535, self.number(16))
        )
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
        """The chain is never returned."""

    def lie_scribble(self, ring, head, chain, written):
        """Overwrites parts of the rings, including the driver's part."""
        for _ in range(self.random.choice((1, 8, 64))):
            address, size = self.random.choice(ring.parts())
            data = self.random.randbytes(min(size, self.random.choice((1, 2, 4, 8, 16))))
            ring.memory.write(address + self.random.randrange(size - len(data) + 1), data)
        ring.put(head, written)

    def lie_wishes(self, ring, head, chain, written):
        """Random flags, and a random index for the next notification."""
        ring.put(head, written)
        ring.memory.write(ring.used, struct.pack("<H", self.number(16)))
        ring.memory.write(ring.used + 4 + 8 * ring.size, struct.pack("<H", self.number(16)))

    def lie_storm(self, ring, head, chain, written):
        ring.put(head, written)
        for _ in range(self.random.choice((10, 300))):
            ring.interrupt()

    def lie_late_write(self, ring, head, chain, written):
        """Writes into returned buffers, while the driver may read them."""
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
        """The element changes while the driver reads it."""
        place = ring.used_index
        ring.put(head, written)
        ring.interrupt()
        for _ in range(300):
            ring.element(place, self.number(32), self.number(32))
            ring.element(place, head, written)
