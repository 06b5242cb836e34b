"""An attacker on the same network segment as the image under attack. It has up to sixteen
addresses, answers ARP requests for them, and builds TCP connections from single segments that no
operating system would send.
"""

import contextlib
import os
import queue
import socket
import struct
import threading
import time

from frames import ACK, ICMP, PSH, RST, SYN, TCP, UDP, checksum, ipv4, tcp

MAC = bytes.fromhex("020000000a01")
MAX_RATE = 5000  # packets per second


def icmp(source, destination, kind, code, rest, quoted):
    body = struct.pack("!BBHI", kind, code, 0, rest) + quoted
    return ipv4(source, destination, ICMP, body[:2] + struct.pack("!H", checksum(body)) + body[4:])


class Segment:
    """A TCP segment that the image sent."""

    def __init__(self, packet):
        body = packet[(packet[0] & 15) * 4 : struct.unpack_from("!H", packet, 2)[0] or None]
        fields = struct.unpack_from("!HHIIBBH", body)
        self.from_port, self.port, self.seq, self.ack, offset, self.flags, self.window = fields
        self.data = body[(offset >> 4) * 4 :]


class Connection:
    """An open connection, seen from the attacker. It acknowledges nothing by itself."""

    def __init__(self, attacker, address, port, to_port, window, options):
        self.attacker, self.address, self.port, self.to_port = attacker, address, port, to_port
        self.window = window
        self.seq, self.ack = int.from_bytes(os.urandom(4)), 0
        self.arrived = queue.Queue()
        self.react = self.arrived.put  # called with each segment that arrives
        attacker.connections[address, port] = self
        self.send(SYN, options=options)

    def send(self, flags, data=b"", seq=None, ack=None, window=None, options=b"", pace=True):
        packet = tcp(
            self.address, self.attacker.victim, self.port, self.to_port,
            self.seq if seq is None else seq, self.ack if ack is None else ack,
            flags, data, self.window if window is None else window, options,
        )  # fmt: skip
        self.attacker.send(packet, pace)

    def establish(self, timeout=2):
        """Returns True once the handshake is done."""
        answer = self.receive(timeout)
        if answer is None or answer.flags & (SYN | RST) != SYN:
            return False
        self.seq, self.ack = self.seq + 1, answer.seq + 1
        self.send(ACK)
        return True

    def write(self, data, **how):
        self.send(PSH | ACK, data, **how)
        self.seq += len(data)

    def receive(self, timeout):
        with contextlib.suppress(queue.Empty):
            return self.arrived.get(timeout=timeout)
        return None


class Attacker:
    """Sends at most `rate` packets per second. That is MAX_RATE, or a third of the pings per second
    that the image can answer, if that is lower: on a slow or busy machine the guest would run out
    of processor time, which is not a finding.
    """

    def __init__(self, device, victim, addresses):
        self.victim, self.addresses = victim, addresses
        self.connections = {}
        self.sent, self.heard = 0, 0
        self.others = queue.Queue(100_000)  # packets to its addresses that belong to no connection
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind((device, 3))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.mac, self.next_at = None, time.monotonic()
        self.ports = 20_000
        self.rate = MAX_RATE
        self.going = True
        self.thread = threading.Thread(target=self.listen)
        self.thread.start()
        for _ in range(20):
            self.ask_address()
            if self.mac:
                self.rate = min(MAX_RATE, self.capacity() / 3)
                return
            time.sleep(0.5)
        self.close()
        raise AssertionError("the image answers no ARP request")

    def close(self):
        self.going = False
        self.thread.join()
        self.socket.close()

    def capacity(self):
        """Number of pings per second that the image answers."""
        ping = icmp(self.addresses[0], self.victim, 8, 0, 1, bytes(32))
        self.heard, began = 0, time.monotonic()
        while time.monotonic() < began + 1:
            for _ in range(20):
                self.send(ping, pace=False)
            time.sleep(0.001)
        time.sleep(0.2)
        return self.heard / (time.monotonic() - began)

    def arp(self, kind, to, sender, target, target_mac):
        self.socket.send(
            to + MAC + struct.pack("!HHHBBH", 0x806, 1, 0x800, 6, 4, kind)
            + MAC + socket.inet_aton(sender) + target_mac + socket.inet_aton(target)
        )  # fmt: skip

    def ask_address(self):
        self.arp(1, b"\xff" * 6, self.addresses[0], self.victim, bytes(6))

    def listen(self):
        self.socket.settimeout(0.2)
        ours = {socket.inet_aton(address): address for address in self.addresses}
        while self.going:
            try:
                frame, where = self.socket.recvfrom(70_000)
            except TimeoutError:
                continue
            if where[2] == socket.PACKET_OUTGOING:
                continue
            kind = frame[12:14]
            if kind == b"\x08\x06" and frame[28:32] == socket.inet_aton(self.victim):
                self.mac = frame[22:28]
                if frame[21] == 1 and frame[38:42] in ours:
                    self.arp(2, self.mac, ours[frame[38:42]], self.victim, self.mac)
            elif kind == b"\x08\x00" and frame[30:34] in ours:
                self.take(frame[14:], ours[frame[30:34]])

    def take(self, packet, address):
        self.heard += 1
        head = (packet[0] & 15) * 4
        if packet[9] == TCP and len(packet) >= head + 20:
            segment = Segment(packet)
            connection = self.connections.get((address, segment.port))
            if connection is not None:
                connection.react(segment)
                return
        with contextlib.suppress(queue.Full):
            self.others.put_nowait(packet)

    def send(self, packet, pace=True):
        if pace:
            self.pace()
        self.send_frame(self.mac + MAC + b"\x08\x00" + packet)

    def send_frame(self, frame):
        self.sent += 1
        with contextlib.suppress(BlockingIOError, OSError):
            self.socket.send(frame)

    def pace(self):
        now = time.monotonic()
        self.next_at = max(self.next_at + 1 / self.rate, now - 0.01)
        if self.next_at > now:
            time.sleep(self.next_at - now)

    def connection(self, to_port, window=65535, options=b"\2\4\5\xb4", address=None):
        """A new connection with its SYN sent; establish() completes the handshake."""
        self.ports = 20_000 + (self.ports - 19_999) % 40_000
        address = address or self.addresses[self.ports % len(self.addresses)]
        return Connection(self, address, self.ports, to_port, window, options)

    def reset_all(self):
        """Resets all known connections, like an attacker that leaves."""
        for connection in list(self.connections.values()):
            connection.react = lambda segment: None
            connection.send(RST | ACK)
        self.connections.clear()

    def clear_others(self):
        """Removes and returns the packets that belong to no connection."""
        packets = []
        with contextlib.suppress(queue.Empty):
            while True:
                packets.append(self.others.get_nowait())
        return packets

    def datagrams(self, port):
        """UDP payloads that the image sent from this port."""
        found = []
        for packet in self.clear_others():
            body = packet[(packet[0] & 15) * 4 :]
            if packet[9] == UDP and len(body) >= 8 and struct.unpack_from("!H", body)[0] == port:
                found.append(body[8 : struct.unpack_from("!H", body, 4)[0]])
        return found

    def forget(self, connection):
        self.connections.pop((connection.address, connection.port), None)
