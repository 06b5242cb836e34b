"""A TCP echo client."""
import os
import socket
import threading


def comes_back(host, port, size, source=None):
    """True if `size` random bytes come back intact, and end-of-stream follows our shutdown."""
    sent = os.urandom(size)
    heard = bytearray()
    with socket.create_connection((host, port), timeout=20, source_address=source) as client:

        def send():
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        while part := client.recv(1 << 16):
            heard += part
        sender.join()
    return heard == sent
