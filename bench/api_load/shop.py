"""The shop of this benchmark: orders made by the sandbox, served as Shopify serves a page, each page made only once."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import orjson

from infra.sandbox.shop import Shop
from infra.sandbox.shopify.admin import Admin
from infra.sandbox.shopify.cost import Bucket, Plan
from pipelines.shopify.resources import RESOURCES

PAGE = 250
AT_ONCE = 25
UNLIMITED = 1_000_000_000
ORDERS = next(resource for resource in RESOURCES if resource.name == "orders")


def write_orders(file: Path, rows: int) -> None:
    """Write so many orders, a line each, as the sandbox answers them to the query that Boathouse asks."""
    with tempfile.TemporaryDirectory() as folder, file.open("wb") as out:
        admin = Admin(Shop(1997, rows), Path(folder), "plus")
        admin.executor.bucket = Bucket(Plan(UNLIMITED, UNLIMITED))
        after, written = None, 0
        while written < rows:
            said = admin.executor.execute(ORDERS.query, {"first": AT_ONCE, "after": after}, None, "shop")
            connection = said["data"]["orders"]
            out.writelines(orjson.dumps(edge["node"]) + b"\n" for edge in connection["edges"])
            written += len(connection["edges"])
            after = connection["pageInfo"]["endCursor"]


@contextmanager
def served(orders: Path) -> Iterator[str]:
    """Serve the orders from a process of its own; give the address."""
    command = [sys.executable, "-m", "bench.api_load.shop", str(orders)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603
        assert child.stdout is not None
        try:
            yield child.stdout.readline().strip()
        finally:
            child.terminate()


class _Variables(msgspec.Struct):
    after: str | None = None


class _Asked(msgspec.Struct):
    query: str
    variables: _Variables = msgspec.field(default_factory=_Variables)


class Handler(BaseHTTPRequestHandler):
    """Answers from ``pages``, whatever page size is asked for; ``count`` is what the shop holds."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    pages: list[bytes]
    count: int

    def do_POST(self) -> None:
        """Answer one GraphQL request."""
        asked = msgspec.json.decode(self.rfile.read(int(self.headers["content-length"])), type=_Asked)
        if "ordersCount" in asked.query:
            body = orjson.dumps({"data": {"ordersCount": {"count": self.count}}})
        elif "orders(" in asked.query:
            body = self.pages[int(asked.variables.after or 0)]
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


def pages_of(orders: Path) -> tuple[list[bytes], int]:
    """Make every page's body beforehand, and count the orders."""
    lines = orders.read_bytes().splitlines()
    pages = []
    for start in range(0, len(lines), PAGE):
        edges = b",".join(b'{"node":%b}' % line for line in lines[start : start + PAGE])
        more = start + PAGE < len(lines)
        info = orjson.dumps({"hasNextPage": more, "endCursor": str(start // PAGE + 1)})
        pages.append(b'{"data":{"orders":{"edges":[%b],"pageInfo":%b}}}' % (edges, info))
    return pages, len(lines)


def main() -> None:
    """Serve until told to stop, and say where."""
    Handler.pages, Handler.count = pages_of(Path(sys.argv[1]))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
