"""Echo requests (RFC 792, RFC 4443) and a count of timely answers. Replaces ping(8), which gives up
two round trips after an answer; on a busy machine that is too early.
"""
import os
import select
import socket
import struct
import time

from frames import checksum

ECHO_REPLY, ECHO, ECHO6, ECHO_REPLY6 = 0, 8, 128, 129
FLOOD_INTERVAL = 0.01  # seconds until a flood continues without an answer


def ping(to, count=1, size=56, every=0.05, wait=20.0, source=None):
    """Returns the number of requests with `size` bytes that were sent, and the number answered with
    the same bytes, each within `wait` seconds of the last request. `every`: seconds between two
    requests; 0 is a flood, which sends the next request after each answer.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(to, None, type=socket.SOCK_RAW)[0]
    protocol = socket.IPPROTO_ICMPV6 if family == socket.AF_INET6 else socket.IPPROTO_ICMP
    with socket.socket(family, socket.SOCK_RAW, protocol) as ours:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        if source:
            ours.bind((source, 0))
        identifier = int.from_bytes(os.urandom(2))
        data = os.urandom(size)
        sent, answered, last = 0, set(), time.monotonic()
        while sent < count or len(answered) < count:
            now = time.monotonic()
            due = last + (every or FLOOD_INTERVAL)
            if sent < count and (sent == 0 or now >= due or (every == 0 and len(answered) == sent)):
                ours.sendto(request(family, identifier, sent, data), address)
                sent, last = sent + 1, now
                continue
            until = due if sent < count else last + wait
            if now >= until:
                break
            if select.select([ours], [], [], until - now)[0]:
                number = answer(family, identifier, data, ours.recv(70_000))
                if number is not None:
                    answered.add(number)
    return sent, len(answered)


def request(family, identifier, number, data):
    kind = ECHO6 if family == socket.AF_INET6 else ECHO
    message = struct.pack("!BBHHH", kind, 0, 0, identifier, number % 65536) + data
    if family == socket.AF_INET6:  # Linux fills in the checksum
        return message
    return message[:2] + struct.pack("!H", checksum(message)) + message[4:]


def answer(family, identifier, data, packet):
    """The number of the request that this packet answers, or None."""
    if family == socket.AF_INET:
        packet = packet[(packet[0] & 15) * 4 :]
    if len(packet) != 8 + len(data) or packet[8:] != data:
        return None
    kind, _, _, theirs, number = struct.unpack_from("!BBHHH", packet)
    wanted = ECHO_REPLY6 if family == socket.AF_INET6 else ECHO_REPLY
    return number if (kind, theirs) == (wanted, identifier) else None
