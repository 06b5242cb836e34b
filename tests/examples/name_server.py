"""A name server for a test: start(test) runs it on loopback and returns its port."""
import socket
import struct
import threading

RECORDS = {
    (b"\3www\7example\3org\0", 1): bytes([192, 0, 2, 80]),
    (b"\3www\7example\3org\0", 28): socket.inet_pton(socket.AF_INET6, "2001:db8::80"),
    (b"\3www\7example\3org\0", 16): b"\2hi",
}


def answer(query):
    """A response to a query with one question, with its name as it was written."""
    end = query.index(b"\0", 12) + 5
    question = query[12:end]
    name = question[:-4].lower()
    (kind,) = struct.unpack("!H", question[-4:-2])
    data = RECORDS.get((name, kind))
    exists = any(known == name for known, _ in RECORDS)
    header = query[:2] + struct.pack("!HHHHH", 0x8180 | 3 * (not exists), 1, bool(data), 0, 0)
    record = b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data if data else b""
    return header + question + record


def serve(server):
    while True:
        try:
            query, client = server.recvfrom(2000)
        except OSError:
            return
        if query == b"end":
            return
        server.sendto(answer(query), client)


def start(test):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    thread = threading.Thread(target=serve, args=(server,))
    thread.start()

    def stop():
        server.sendto(b"end", server.getsockname())
        thread.join()
        server.close()

    test.addCleanup(stop)
    return server.getsockname()[1]
