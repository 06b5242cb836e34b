"""A TCP echo client, and a server for it."""
import os
import socket
import threading


class EchoServer:
    """Echoes each connection, and keeps what it received in `heard`."""

    def __init__(self, host, port=0):
        self.heard = []
        self.listener = socket.create_server((host, port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self.echo, args=(client,), daemon=True).start()

    def echo(self, client):
        heard = bytearray()
        with client:
            client.settimeout(60)
            while part := client.recv(1 << 16):
                heard += part
                client.sendall(part)
            # Before the client sees the end.
            self.heard.append(bytes(heard))

    def close(self):
        self.listener.close()


def comes_back(host, port, size, source=None, sent=None):
    """True if `size` random bytes, or those of `sent`, come back intact, and end-of-stream follows
    our shutdown.
    """
    sent = os.urandom(size) if sent is None else sent
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
