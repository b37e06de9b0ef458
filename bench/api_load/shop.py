"""The shop of this benchmark: it serves a file of orders page by page as Shopify does, and does no more than that."""

import mmap
import re
import subprocess
import sys
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import numpy as np
import orjson

from bench.api_load.orders import changed_at

PAGE = 250
CHUNK = 1 << 26
PLENTY = {"maximumAvailable": 1e9, "currentlyAvailable": 1e9, "restoreRate": 1e9}
COST = orjson.dumps({"cost": {"requestedQueryCost": 24, "actualQueryCost": 24, "throttleStatus": PLENTY}})


@contextmanager
def served(orders: Path) -> Iterator[str]:
    """Serve a file that ``write_orders`` wrote from a process of its own; give the address."""
    command = [sys.executable, "-m", "bench.api_load.shop", str(orders)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603
        assert child.stdout is not None
        try:
            yield child.stdout.readline().strip()
        finally:
            child.terminate()


class Pages:
    """The pages of a file of orders, in the order of their changes."""

    def __init__(self, orders: Path) -> None:
        with orders.open("rb") as file:
            self._bytes = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        found = [
            np.flatnonzero(np.frombuffer(self._bytes[start : start + CHUNK], np.uint8) == ord("\n")) + start
            for start in range(0, len(self._bytes), CHUNK)
        ]
        self._ends: list[int] = [-1, *np.concatenate(found).tolist()]
        self.count = len(self._ends) - 1

    def body(self, first: int) -> bytes:
        """Give the answer with the orders from the one with this number on."""
        last = min(first + PAGE, self.count)
        info = orjson.dumps({"hasNextPage": last < self.count, "endCursor": str(last)})
        nodes = self._bytes[self._ends[first] + 1 : self._ends[last]].replace(b"\n", b'},{"node":')
        edges = b'{"node":%b}' % nodes if nodes else b""
        return b'{"data":{"orders":{"edges":[%b],"pageInfo":%b}},"extensions":%b}' % (edges, info, COST)

    def since(self, search: str) -> int:
        """Find the first order that changed at or after the time in a search."""
        found = re.search(r"updated_at:>='([^']+)'", search)
        return bisect_left(range(self.count), found[1], key=changed_at) if found else 0


class _Variables(msgspec.Struct):
    after: str | None = None
    query: str = ""


class _Asked(msgspec.Struct):
    query: str
    variables: _Variables = msgspec.field(default_factory=_Variables)


class Handler(BaseHTTPRequestHandler):
    """Answers from ``pages``, whatever page size is asked for."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    pages: Pages

    def do_POST(self) -> None:
        """Answer one GraphQL request."""
        asked = msgspec.json.decode(self.rfile.read(int(self.headers["content-length"])), type=_Asked)
        search, after = asked.variables.query, asked.variables.after
        if "ordersCount" in asked.query:
            count = self.pages.count - self.pages.since(search)
            body = orjson.dumps({"data": {"ordersCount": {"count": count}}})
        elif "orders(" in asked.query:
            body = self.pages.body(int(after) if after else self.pages.since(search))
        elif "accessScopes" in asked.query:
            scopes = [{"handle": name} for name in ("read_orders", "read_all_orders")]
            body = orjson.dumps({"data": {"currentAppInstallation": {"accessScopes": scopes}}})
        else:
            body = b'{"data":{"events":{"nodes":[],"edges":[],"pageInfo":{"hasNextPage":false,"endCursor":null}}}}'
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("x-shopify-api-version", "2025-10")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve until told to stop, and say where."""
    Handler.pages = Pages(Path(sys.argv[1]))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
