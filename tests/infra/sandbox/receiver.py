"""A server that takes webhooks as the product's does, and keeps them."""

import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import orjson


class Received(NamedTuple):
    """One try of a delivery; header names in small letters."""

    path: str
    headers: dict[str, str]
    body: bytes
    status: int

    @property
    def topic(self) -> str:
        """What it is about, in the vendor's words."""
        return self.headers.get("x-shopify-topic") or str(orjson.loads(self.body)["type"])

    @property
    def delivery(self) -> str:
        """The id that stays the same however often it is sent."""
        return self.headers.get("x-shopify-webhook-id") or str(orjson.loads(self.body)["id"])


class Receiver:
    """Answers the first ``refusals`` tries of every delivery with 503, and the others with 200."""

    def __init__(self, refusals: int = 0) -> None:
        self.received: list[Received] = []
        self._tries: Counter[str] = Counter()
        self._refusals = refusals
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                self.send_response(receiver._take(self.path, headers, body))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def taken(self, path: str) -> list[Received]:
        """List what was answered with 200 on this path."""
        return [one for one in self.received if one.path == path and one.status == 200]

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        with self._lock:
            one = Received(path, headers, body, 0)
            self._tries[one.delivery] += 1
            status = 503 if self._tries[one.delivery] <= self._refusals else 200
            self.received.append(one._replace(status=status))
        return status
