"""Frames as bytes: reads them from a capture file, builds them, sends them through the test's own
tap, and verifies their checksums.
"""
import fcntl
import os
import select
import socket
import struct
import time

UDP, TCP, ICMP = 17, 6, 1
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def frames_of(capture):
    """The frames of a pcap file in this machine's byte order."""
    found, at = [], 24
    while at + 16 <= len(capture):
        size = struct.unpack_from("<I", capture, at + 8)[0]
        found.append(capture[at + 16 : at + 16 + size])
        at += 16 + size
    return found


def checksum(data):
    data = data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def wrong_sums(packet):
    """The protocols whose checksum in this IPv4 packet is wrong or missing."""
    head, length = (packet[0] & 15) * 4, struct.unpack_from("!H", packet, 2)[0]
    wrong = ["ip"] if checksum(packet[:head]) != 0 else []
    body = packet[head:length]
    if packet[9] == ICMP and checksum(body) != 0:
        wrong.append("icmp")
    if packet[9] == UDP:
        pseudo = packet[12:20] + struct.pack("!BBH", 0, UDP, len(body))
        if body[6:8] == b"\0\0" or checksum(pseudo + body) != 0:
            wrong.append("udp")
    return wrong


def ipv4(source, destination, protocol, body, identification=1, fragment=0):
    head = struct.pack(
        "!BBHHHBBH4s4s",
        0x45,
        0,
        20 + len(body),
        identification,
        fragment,
        64,
        protocol,
        0,
        socket.inet_aton(source),
        socket.inet_aton(destination),
    )
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def udp(source, destination, from_port, to_port, payload):
    """An IPv4 packet with a UDP datagram."""
    size = 8 + len(payload)
    pseudo = (
        socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!BBH", 0, UDP, size)
    )
    head = struct.pack("!4H", from_port, to_port, size, 0)
    total = checksum(pseudo + head + payload) or 0xFFFF
    return ipv4(source, destination, UDP, head[:6] + struct.pack("!H", total) + payload)


def tcp(
    source, destination, from_port, to_port, seq, ack, flags, data=b"", window=65535, options=b""
):
    """An IPv4 packet with a TCP segment."""
    options += b"\1" * (-len(options) % 4)
    head = struct.pack(
        "!HHIIBBHHH",
        from_port,
        to_port,
        seq % 2**32,
        ack % 2**32,
        (20 + len(options)) // 4 << 4,
        flags,
        window,
        0,
        0,
    )
    body = head + options + data
    pseudo = (
        socket.inet_aton(source)
        + socket.inet_aton(destination)
        + struct.pack("!BBH", 0, TCP, len(body))
    )
    return ipv4(
        source, destination, TCP, body[:16] + struct.pack("!H", checksum(pseudo + body)) + body[18:]
    )


def echo(source, destination, number, payload):
    message = struct.pack("!BBHHH", 8, 0, 0, 7, number) + payload
    return ipv4(
        source, destination, ICMP, message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    )


class Wire:
    """The far end of a tap without offloads: it receives frames as a cable would carry them, with
    complete checksums.
    """

    def __init__(self, name):
        self.file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        # TUNSETIFF, IFF_TAP | IFF_NO_PI
        fcntl.ioctl(self.file, 0x400454CA, struct.pack("16sH22x", name.encode(), 0x1002))

    def close(self):
        os.close(self.file)

    def send(self, frame):
        os.write(self.file, frame)

    def receive(self, wanted, seconds=5):
        """Returns the next IPv4 packet for which `wanted` is true."""
        end = time.monotonic() + seconds
        while select.select([self.file], [], [], max(0, end - time.monotonic()))[0]:
            frame = os.read(self.file, 65536)
            if frame[12:14] == b"\x08\x00" and wanted(frame[14:]):
                return frame[14:]
        raise AssertionError("nothing came")
