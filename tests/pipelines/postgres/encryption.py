"""A way to a Postgres server that encrypts: the embedded one is built without TLS, so this is put before it."""

import select
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import ClassVar

PIECE_BYTES = 2**16


class _Way(BaseRequestHandler):
    context: ClassVar[ssl.SSLContext]
    upstream: ClassVar[int]

    def handle(self) -> None:
        # SSLRequest has eight bytes; S is the answer of a server that encrypts.
        self.request.recv(8)
        self.request.sendall(b"S")
        try:
            client = self.context.wrap_socket(self.request, server_side=True)
        except OSError:
            return  # It doesn't take our certificate.
        with client, socket.create_connection(("127.0.0.1", self.upstream)) as server:
            ways: dict[socket.socket, socket.socket] = {client: server, server: client}
            while True:
                ready = [client] if client.pending() else select.select(list(ways), [], [])[0]
                for one in ready:
                    data = one.recv(PIECE_BYTES)
                    if not data:
                        return
                    ways[one].sendall(data)


@contextmanager
def encrypted(port: int, certificate: ssl.SSLContext) -> Iterator[int]:
    """Put TLS before the server at a port of this machine, and give the port where it is."""
    handler = type("Handler", (_Way,), {"context": certificate, "upstream": port})
    with ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
