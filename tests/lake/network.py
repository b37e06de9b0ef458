"""A forwarding HTTP server before the catalogue, which can lose the reply to a commit or refuse requests."""

from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit


class Network:
    """Forwards to ``upstream``, with ``plan`` for the commits to come, each one of the names below.

    ``lose``: the commit is done and its reply lost; ``garble``: done, and answered with 503; ``refuse``: not done,
    and answered with 500. ``down`` makes every request after the planned commits fail.
    """

    def __init__(self, upstream: str) -> None:
        self.plan: list[str] = []
        self.down = False
        self.commits = 0
        handler = type("Handler", (_Forward,), {"network": self, "upstream": urlsplit(upstream).netloc})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}{urlsplit(upstream).path}"

    def __enter__(self) -> "Network":
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Forward(BaseHTTPRequestHandler):
    network: Network
    upstream: str

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        commit = self.command == "POST" and "/tables/" in self.path
        self.network.commits += commit
        planned = self.network.plan.pop(0) if commit and self.network.plan else ""
        if planned == "refuse" or (self.network.down and not planned):
            self._answer(500, b"{}")
            return
        status, answer, encoding = self._forward(body)
        if planned == "garble":
            self._answer(503, b"{}")
        elif planned != "lose":
            self._answer(status, answer, encoding)

    do_POST = do_HEAD = do_DELETE = do_GET  # noqa: N815

    def _forward(self, body: bytes) -> tuple[int, bytes, str]:
        connection = HTTPConnection(self.upstream)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers.get("Content-Encoding", "identity")
        finally:
            connection.close()

    def _answer(self, status: int, body: bytes, encoding: str = "identity") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Encoding", encoding)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
