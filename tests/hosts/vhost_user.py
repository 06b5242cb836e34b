"""The backend's side of QEMU's vhost-user protocol: the guest's memory, and its split rings (virtio
1.2, section 2.7). This part behaves well; the lies are in lies.py."""
import mmap
import os
import socket
import struct

(
    GET_FEATURES,
    SET_FEATURES,
    SET_OWNER,
    SET_MEM_TABLE,
    SET_VRING_NUM,
    SET_VRING_ADDR,
    SET_VRING_BASE,
    GET_VRING_BASE,
    SET_VRING_KICK,
    SET_VRING_CALL,
    GET_PROTOCOL_FEATURES,
    GET_QUEUE_NUM,
    SET_VRING_ENABLE,
    GET_CONFIG,
) = (1, 2, 3, 5, 8, 9, 10, 11, 12, 13, 15, 17, 18, 24)
PROTOCOL_FEATURES = 1 << 30  # VHOST_USER_F_PROTOCOL_FEATURES
CONFIG = 1 << 9  # VHOST_USER_PROTOCOL_F_CONFIG
NEXT, WRITE = 1, 2  # flags of a descriptor


class Outside(Exception):
    """An address outside the guest's memory, or an invalid chain: the ring is lost."""


def replaced(file, files):
    """Closes `file`, if there is one, and takes the first of `files` in its place."""
    if file is not None:
        os.close(file)
    return files.pop(0) if files else None


class Memory:
    """The guest's memory, from the descriptors that QEMU passed."""

    def __init__(self):
        self.regions = []

    def set(self, payload, files):
        self.close()
        count = struct.unpack_from("<I", payload)[0]
        for i, file in enumerate(files[:count]):
            guest, size, user, offset = struct.unpack_from("<4Q", payload, 8 + 32 * i)
            self.regions.append((guest, size, user, offset, mmap.mmap(file, offset + size)))

    def close(self):
        for region in self.regions:
            region[4].close()
        self.regions = []

    def guest_address(self, user_address):
        for guest, size, user, _, _ in self.regions:
            if user <= user_address < user + size:
                return user_address - user + guest
        raise Outside(hex(user_address))

    def place(self, address, length):
        for guest, size, _, offset, mapping in self.regions:
            if guest <= address and address + length <= guest + size:
                return mapping, address - guest + offset
        raise Outside(hex(address))

    def read(self, address, length):
        mapping, at = self.place(address, length)
        return mapping[at : at + length]

    def write(self, address, data):
        mapping, at = self.place(address, len(data))
        mapping[at : at + len(data)] = data

    def number(self, address, kind="<H"):
        return struct.unpack(kind, self.read(address, struct.calcsize(kind)))[0]


class Ring:
    """One split ring. `used_index` and `last` are the device's own counts."""

    def __init__(self, memory):
        self.memory, self.size, self.last, self.used_index = memory, 0, 0, 0
        self.descriptors = self.available = self.used = None
        self.kick = self.call = None
        self.enabled = False

    def runs(self):
        return self.enabled and self.size != 0 and self.used is not None and self.kick is not None

    def parts(self):
        """Address and length of each part that the guest shares with the device for this ring."""
        return (
            (self.descriptors, 16 * self.size),
            (self.available, 6 + 2 * self.size),
            (self.used, 6 + 8 * self.size),
        )

    def take(self):
        """The next available chain: its head and (address, length, is writable); or None."""
        if not self.runs() or self.memory.number(self.available + 2) == self.last:
            return None
        head = self.memory.number(self.available + 4 + 2 * (self.last % self.size))
        chain, at = [], head
        while len(chain) < self.size:
            if at >= self.size:
                raise Outside(f"descriptor {at}")
            address, length, flags, at = struct.unpack(
                "<QIHH", self.memory.read(self.descriptors + 16 * at, 16)
            )
            chain.append((address, length, bool(flags & WRITE)))
            if not flags & NEXT:
                self.last = (self.last + 1) % 65536
                # With EVENT_IDX: requests a notification for the next chain.
                self.memory.write(self.used + 4 + 8 * self.size, struct.pack("<H", self.last))
                return head, chain
        raise Outside("a chain without an end")

    def put(self, head, written):
        """Returns a chain to the driver."""
        self.element(self.used_index, head, written)
        self.set_used(self.used_index + 1)

    def element(self, index, head, written):
        self.memory.write(
            self.used + 4 + 8 * (index % self.size),
            struct.pack("<II", head % 2**32, written % 2**32),
        )

    def set_used(self, index):
        self.used_index = index % 65536
        self.memory.write(self.used + 2, struct.pack("<H", self.used_index))

    def interrupt(self):
        if self.call is not None:
            os.eventfd_write(self.call, 1)

    def close(self):
        for file in (self.kick, self.call):
            if file is not None:
                os.close(file)
        self.kick = self.call = None


class Backend:
    """One device: QEMU connects to `path`, and handle() processes its messages."""

    def __init__(self, path, features, config=b"", rings=2):
        self.features, self.config, self.accepted = features, config, 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)
        self.socket = None
        self.memory = Memory()
        self.rings = [Ring(self.memory) for _ in range(rings)]

    def accept(self):
        self.socket, _ = self.listener.accept()

    def close(self):
        for ring in self.rings:
            ring.close()
        self.memory.close()
        for one in (self.socket, self.listener):
            if one is not None:
                one.close()

    def handle(self):
        """Handles one message of QEMU. Returns False if QEMU has closed the connection."""
        try:
            head, files, _, _ = socket.recv_fds(self.socket, 12, 16)
            while 0 < len(head) < 12:
                head += self.socket.recv(12 - len(head))
            if not head:
                return False
            request, flags, size = struct.unpack("<III", head)
            payload = b""
            while len(payload) < size:
                payload += self.socket.recv(size - len(payload))
            answer = self.answer(request, payload, files)
            for file in files:  # those that the request left
                os.close(file)
            if answer is None and flags & 8:
                answer = struct.pack("<Q", 0)
            if answer is not None:
                self.socket.sendall(struct.pack("<III", request, 5, len(answer)) + answer)
        except ConnectionError:
            return False
        return True

    def answer(self, request, payload, files):
        if request == GET_FEATURES:
            return struct.pack("<Q", self.features | PROTOCOL_FEATURES)
        if request == GET_PROTOCOL_FEATURES:
            return struct.pack("<Q", CONFIG if self.config else 0)
        if request == GET_QUEUE_NUM:
            return struct.pack("<Q", 1)
        if request == GET_CONFIG:
            offset, size, _ = struct.unpack_from("<III", payload)
            return payload[:12] + (self.config + bytes(size))[offset : offset + size]
        if request == SET_FEATURES:
            self.accepted = struct.unpack("<Q", payload)[0]
        elif request == SET_MEM_TABLE:
            self.memory.set(payload, files)
        elif SET_VRING_NUM <= request <= SET_VRING_CALL or request == SET_VRING_ENABLE:
            return self.of_ring(request, payload, files)
        return None

    def of_ring(self, request, payload, files):
        index, value = struct.unpack_from("<II", payload)
        if (index & 0xFF) >= len(self.rings):  # a queue that the device does not have
            return struct.pack("<II", index, 0) if request == GET_VRING_BASE else None
        ring = self.rings[index & 0xFF]
        if request == SET_VRING_NUM:
            ring.size = value
        elif request == SET_VRING_BASE:
            ring.last = ring.used_index = value
        elif request == SET_VRING_ENABLE:
            ring.enabled = value == 1
        elif request == SET_VRING_ADDR:
            ring.descriptors, ring.used, ring.available = map(
                self.memory.guest_address, struct.unpack_from("<3Q", payload, 8)
            )
        elif request == SET_VRING_KICK:
            ring.kick = replaced(ring.kick, files)
        elif request == SET_VRING_CALL:
            ring.call = replaced(ring.call, files)
        elif request == GET_VRING_BASE:
            ring.enabled = False
            ring.close()
            return struct.pack("<II", index, ring.last)
        return None
