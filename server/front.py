"""The front of the server: answers known addresses from memory, and writes the log of requests."""

import time
from typing import Any, NamedTuple

import structlog
from litestar.types import ASGIApp, Message, Receive, Send

from server.cache import Kept
from server.releases import Releases

Address = tuple[str, str, bytes]
Headers = list[tuple[bytes, bytes]]

log = structlog.get_logger("server")


class Stored(NamedTuple):
    """An answer as the ASGI messages that send it, whole and as 304."""

    body: bytes
    etag: bytes
    start: Any
    rest: Any
    not_modified: Any

    @classmethod
    def of(cls, body: bytes, release_id: str) -> "Stored":
        """Prepare an answer of a release; the release is its ETag."""
        etag = f'"{release_id}"'.encode()
        shared = [(b"etag", etag), (b"cache-control", b"no-cache"), (b"x-content-type-options", b"nosniff")]
        content = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        return cls(
            body,
            etag,
            {"type": "http.response.start", "status": 200, "headers": content + shared},
            {"type": "http.response.body", "body": body, "more_body": False},
            {"type": "http.response.start", "status": 304, "headers": shared},
        )

    async def send(self, headers: Any, send: Send) -> None:
        """Send the answer, or 304 when ``headers`` say that the reader has it."""
        for name, value in headers:
            if name == b"if-none-match" and matches(value, self.etag):
                await send(self.not_modified)
                await send(EMPTY)
                return
        await send(self.start)
        await send(self.rest)


EMPTY: Any = {"type": "http.response.body", "body": b"", "more_body": False}


def matches(condition: bytes, etag: bytes) -> bool:
    """Say whether an If-None-Match condition holds the ETag (weak comparison, RFC 9110 13.1.2)."""
    given = [part.strip().removeprefix(b"W/") for part in condition.split(b",")]
    return etag in given or given == [b"*"]


class Front:
    """An ASGI application in front of another.

    A GET of an address whose answer is kept for the current release is sent at once, before routing; all
    else goes to the application behind.
    """

    def __init__(self, behind: ASGIApp, kept: Kept[Address, Stored], releases: Releases, logs: bool) -> None:
        self._behind, self._kept, self._releases, self._logs = behind, kept, releases, logs

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._logs and scope["type"] == "http":
            await self._logged(scope, receive, send)
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Any, receive: Receive, send: Send) -> None:
        served = self._releases.found
        if served is not None and scope["type"] == "http" and scope["method"] == "GET":
            stored = self._kept.get((served.release.release_id, scope["path"], scope["query_string"]))
            if stored is not None:
                await stored.send(scope["headers"], send)
                return
        await self._behind(scope, receive, send)

    async def _logged(self, scope: Any, receive: Receive, send: Send) -> None:
        begun, status = time.perf_counter(), 0

        async def watched(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)  # type: ignore[assignment]
            await send(message)

        try:
            await self._answer(scope, receive, watched)
        finally:
            took = round((time.perf_counter() - begun) * 1000, 3)
            log.info("request", method=scope["method"], path=scope["path"], status=status, milliseconds=took)
