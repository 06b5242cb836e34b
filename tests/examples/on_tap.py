"""Runs an image on a tap of this network namespace and talks to it:
on_tap.py frames|udp|tcp|tcp-cut|relay|stack|nics linux|kvm WORDS-OF-FATA-RUN...

tcp: both ends use segmentation offload. tcp-cut: the image runs without offload, and no frame is
longer than the MTU. nics: the image has a second NIC on its own tap, with a network behind it.
"""
import concurrent.futures
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import stream

what, target, *words = sys.argv[1:]
TAP = "fata0"
EXPERIMENTAL = 0x88B5


def ip(*words):
    subprocess.run(["ip", *words], check=True)


class LongFrames:
    """Counts the frames on the tap that are longer than its MTU allows, by direction."""

    def __init__(self):
        self.to_image = self.from_image = self.all = 0
        self.wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.wire.bind((TAP, 0))
        self.wire.settimeout(0.2)
        self.ended = False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        head = bytearray(64)
        while True:
            try:
                size, sender = self.wire.recvfrom_into(head, len(head), socket.MSG_TRUNC)
            except TimeoutError:
                if self.ended:
                    return
                continue
            self.all += 1
            if size > 1514:
                if sender[2] == 4:  # PACKET_OUTGOING
                    self.to_image += 1
                else:
                    self.from_image += 1

    def end(self):
        self.ended = True
        self.thread.join()
        self.wire.close()


ip("link", "set", "lo", "up")
ip("tuntap", "add", TAP, "mode", "tap", "vnet_hdr")
ip("addr", "add", "10.77.0.1/24", "dev", TAP)
ip("link", "set", TAP, "up")

if what == "nics":
    ip("tuntap", "add", "fata1", "mode", "tap", "vnet_hdr")
    ip("addr", "add", "10.78.0.1/24", "dev", "fata1")
    ip("addr", "add", "2001:db8:78::1/64", "dev", "fata1", "nodad")
    ip("link", "set", "fata1", "up")
    ip("addr", "add", "10.9.0.1/32", "dev", "lo")

line = [os.environ["FATA"], "--no-install", "run", *words]
if what == "nics":
    line += [
        "--link",
        f"tap:{TAP}",
        "--link",
        "tap:fata1",
        "--",
        "--ipv4-1=10.78.0.2/24",
        "--ipv6-1=2001:db8:78::2/64",
        "--route",
        "10.9.0.0/16 via 10.78.0.1",
    ]
elif target == "kvm":
    line += ["--link", f"tap:{TAP}", "--"]
else:
    line += ["--", f"--tap={TAP}"]
if what == "tcp-cut":
    line += ["--offload=off"]
if what != "frames":
    line += ["--ipv4=10.77.0.2/24", "--ipv4-gateway=10.77.0.1"]
if what == "stack":
    line += ["--peer=10.77.0.1"]
    host = socket.create_server(("10.77.0.1", 7007))
if what == "relay":
    line += ["--to=10.77.0.1", "--to-port=7007"]
    far = stream.EchoServer("10.77.0.1", 7007)
image = subprocess.Popen(line, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
try:
    for text in image.stdout if target == "kvm" else image.stderr:
        if "hardware address" in text and what == "frames" or " on port" in text:
            break
    if what == "frames":
        mac = bytes.fromhex(text.split("hardware address ")[1].split(",")[0].replace(":", ""))
        ours = bytes.fromhex("020000000001")
        sent = [
            mac + ours + EXPERIMENTAL.to_bytes(2, "big") + bytes([i]) * size
            for i, size in enumerate([46, 47, 100, 1499, 1500] * 20)
        ]
        wanted = {ours + mac + frame[12:] for frame in sent}
        heard = set()
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(EXPERIMENTAL)) as wire:
            wire.bind((TAP, EXPERIMENTAL))
            wire.settimeout(2)
            # A frame that the image must not answer.
            wire.send(mac + ours + (0x88B6).to_bytes(2, "big") + bytes(46))
            for _ in range(10):
                for frame in sent:
                    wire.send(frame)
                end = time.monotonic() + 2
                while not wanted <= heard and time.monotonic() < end:
                    try:
                        heard.add(wire.recv(2000))
                    except TimeoutError:
                        break
                if wanted <= heard:
                    break
        assert wanted <= heard, f"{len(wanted - heard)} of {len(wanted)} frames did not come back"
        assert not any(frame[12:14] != EXPERIMENTAL.to_bytes(2, "big") for frame in heard)
    elif what == "stack":
        host.settimeout(20)
        caller, _ = host.accept()
        with caller:
            assert caller.makefile("rb").read() == b"hello\n"
        with socket.create_connection(("10.77.0.2", 7007), timeout=20) as client:
            client.sendall(bytes(100_000))
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            for _ in range(5):  # some UDP datagrams may be lost
                client.sendto(bytes(123), ("10.77.0.2", 7007))
                time.sleep(0.05)
    elif what == "relay":
        sent = [os.urandom(size) for size in [0, 1, 1448, 300_000] * 5]
        with concurrent.futures.ThreadPoolExecutor(len(sent)) as pool:
            done = list(
                pool.map(lambda each: stream.comes_back("10.77.0.2", 7008, 0, sent=each), sent)
            )
        assert all(done), f"{done.count(False)} of {len(done)} connections failed"
        assert sorted(far.heard) == sorted(bytes(byte ^ 0x20 for byte in each) for each in sent)
    elif what == "nics":
        # Each of the image's addresses, and a network behind the second NIC. The image's answers to
        # that network follow a route.
        long = LongFrames()
        for address, source in (
            ("10.77.0.2", None),
            ("10.78.0.2", None),
            ("2001:db8:78::2", None),
            ("10.78.0.2", ("10.9.0.1", 0)),
        ):
            for size in 0, 1, 1448, 300_000:
                assert stream.comes_back(address, 7007, size, source), (address, source, size)
        long.end()
        on_second = int(pathlib.Path("/proc/net/dev").read_text().split("fata1:")[1].split()[0])
        assert on_second > 900_000, f"only {on_second} bytes came by the second NIC"
    elif what.startswith("tcp"):
        long = LongFrames()
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            done = list(
                pool.map(
                    lambda size: stream.comes_back("10.77.0.2", 7007, size),
                    [0, 1, 1448, 300_000] * 25,
                )
            )
        assert all(
            done
        ), f"{done.count(False)} of {len(done)} connections did not give back what they were sent"
        long.end()
        if what == "tcp":
            # The number depends on how both ends are scheduled on the cores.
            assert (
                long.to_image > 5 and long.from_image > 5
            ), f"{long.to_image} and {long.from_image} of {long.all} were uncut"
        else:
            assert (
                long.to_image == long.from_image == 0
            ), f"{long.to_image} and {long.from_image} of {long.all} were uncut"
    else:
        sent = {bytes([i]) * size for i, size in enumerate([1, 2, 17, 1000, 1472] * 25)}
        heard = set()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(2)
            client.connect(("10.77.0.2", 7007))
            for _ in range(10):
                for datagram in sent - heard:
                    client.send(datagram)
                try:
                    while heard != sent:
                        heard.add(client.recv(2048))
                    break
                except TimeoutError:
                    pass
        assert heard == sent, f"{len(sent - heard)} of {len(sent)} datagrams did not come back"
    image.send_signal(signal.SIGINT)
    # communicate() would miss the output that the loop above has already buffered.
    said = (image.stdout if target == "kvm" else image.stderr).read()
    assert image.wait(timeout=30) == 0, said
    if what == "relay":
        counts = re.search(r"(\d+) bytes changed in place, (\d+) copied, 0 broken", said)
        assert counts, said
        in_place, copied = map(int, counts.groups())
        assert in_place + copied == 2 * sum(map(len, sent)), said
        # Only a buffer that holds several short segments is shared, and then copied.
        assert copied < in_place / 10, said
    if what == "stack":
        for wanted in (
            "said hello to 10.77.0.1:7007: 6 bytes",
            "TCP 1 ended after 100000 bytes",
            "UDP from 10.77.0.1:",
            ": 123 bytes",
        ):
            assert wanted in said, f"{wanted!r} is not in {said}"
finally:
    image.kill()
