"""A shop and an account that a test can change and break, spoken to over HTTP as the vendors' own."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.pipelines.stripe_account import stripe_reply

Documents = list[dict[str, Any]]
Reply = tuple[int, dict[str, str], bytes]
TIME = "2024-01-01T00:{:02}:00Z"

SCOPES = (
    "read_all_orders",
    "read_orders",
    "read_customers",
    "write_products",
    "read_inventory",
    "read_locations",
    "read_discounts",
)


@dataclass
class Asked:
    """One request as it came in."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def graphql(self) -> Any:
        """The GraphQL document and its variables."""
        return json.loads(self.body)


@dataclass
class Vendor:
    """Both vendors' HTTP API over documents that a test puts in, and replies that it queues before the real ones.

    ``objects`` maps ``orders``, ``customers`` … and Stripe's ``charges``, ``events`` … to documents; ``lines`` are the
    JSONL of the orders' next bulk operation and ``roots`` its count, if not those of the orders; ``before`` holds
    functions that may answer a request in place of the vendor, each of them once.
    """

    objects: dict[str, Documents] = field(default_factory=dict)
    lines: list[bytes] | None = None
    roots: int | None = None
    before: list[Callable[[Asked], Reply | None]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    scopes: tuple[str, ...] = SCOPES
    busy: int = 0
    """How often the bulk operation of somebody else is still running when it is asked for."""

    def __enter__(self) -> "Vendor":
        handler = type("Handler", (_Handler,), {"vendor": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, asked: Asked) -> Reply:
        """Answer one request."""
        self.asked.append(asked)
        for queued in list(self.before):
            reply = queued(asked)
            if reply is not None:
                self.before.remove(queued)
                return reply
        if asked.path == "/admin/oauth/access_token":
            return body({"access_token": "shpat_granted", "expires_in": 86399})
        if asked.path.startswith("/bulk/"):
            return 200, {}, b"\n".join(self.bulk_lines(asked.path.removeprefix("/bulk/"))) + b"\n"
        if asked.path.startswith("/v1/"):
            return stripe_reply(self.objects, asked.path, asked.query)
        return body({"data": self._data(**asked.graphql)})

    def bulk_lines(self, name: str) -> list[bytes]:
        """Give the JSONL of a bulk operation."""
        if name == "orders" and self.lines is not None:
            return self.lines
        return [json.dumps(line).encode() for node in self.objects.get(name, []) for line in _flat(node)]

    def _data(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        if "bulkOperationRunQuery" in query:
            error = {"code": "OPERATION_IN_PROGRESS", "field": None, "message": "already in progress"}
            name = re.search(r"\{\s*(\w+)", variables["query"])
            started = {"id": name[1] if name else "", "status": "CREATED", "createdAt": TIME.format(59)}
            return {"bulkOperationRunQuery": {"bulkOperation": started, "userErrors": [error] if self.busy else []}}
        if "currentBulkOperation" in query:
            self.busy -= 1
            return {"currentBulkOperation": {"id": "other", "status": "RUNNING" if self.busy else "COMPLETED"}}
        if "BulkOperation" in query:
            return {"node": self._operation(variables["id"])}
        if "shop {" in query:
            return {"shop": {"id": "gid://shopify/Shop/1", "updatedAt": TIME.format(0), "createdAt": TIME.format(0)}}
        if "query Again" in query:
            held = {node.get("id"): _first(node) for nodes in self.objects.values() for node in nodes}
            return {name.replace("i", "n"): held.get(identity) for name, identity in variables.items()}
        if "node(" in query:
            return {"node": self._more(variables)}
        if "accessScopes" in query:
            return {"currentAppInstallation": {"accessScopes": [{"handle": scope} for scope in self.scopes]}}
        since = ((variables.get("query") or "") + "''").split("'")[1]
        if "Count(" in query:
            name = re.search(r"(\w+)sCount", query)
            found = [node for node in self.objects.get(f"{name[1] if name else ''}s", []) if node["updatedAt"] >= since]
            return {f"{name[1] if name else ''}sCount": {"count": len(found)}}
        return self._page(query, variables, since)

    def _operation(self, name: str) -> dict[str, Any]:
        count = len(self.objects.get(name, []))
        roots = self.roots if name == "orders" and self.roots is not None else count
        url = f"{self.url}/bulk/{name}" if self.bulk_lines(name) else None
        at = TIME.format(59)
        return {"id": name, "status": "COMPLETED", "createdAt": at, "rootObjectCount": str(roots), "url": url}

    def _page(self, query: str, variables: dict[str, Any], since: str) -> dict[str, Any]:
        name = re.search(r"\) \{\s*(\w+)\(", query)
        assert name is not None
        nodes = [node for node in self.objects.get(name[1], []) if node.get("updatedAt", "9") >= since]
        start, first = int(variables["after"] or 0), variables["first"]
        more = start + first < len(nodes)
        page = {"hasNextPage": more, "endCursor": str(start + first)}
        return {name[1]: {"edges": [{"node": _first(n)} for n in nodes[start : start + first]], "pageInfo": page}}

    def _more(self, variables: dict[str, Any]) -> dict[str, Any]:
        node = next(n for nodes in self.objects.values() for n in nodes if n["id"] == variables["id"])
        return {"lineItems": _window(node["lineItems"], int(variables["after"]), 2)}


class _Handler(BaseHTTPRequestHandler):
    vendor: Vendor

    def do_GET(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        status, headers, answer = self.vendor.answer(Asked(parts.path, query, dict(self.headers.items()), content))
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(answer))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def body(content: object, status: int = 200, **headers: str) -> Reply:
    """Make a reply of JSON."""
    return status, headers, json.dumps(content).encode()


def order(number: int, minute: int, *skus: str) -> dict[str, Any]:
    """An order as the vendor holds it: its line items whole."""
    items = [{"id": f"gid://shopify/LineItem/{number}{place}", "sku": sku} for place, sku in enumerate(skus)]
    return {"id": f"gid://shopify/Order/{number}", "updatedAt": TIME.format(minute), "lineItems": items}


def _first(node: dict[str, Any]) -> dict[str, Any]:
    if "lineItems" not in node:
        return node
    return node | {"lineItems": _window(node["lineItems"], 0, 2)}


def _window(items: Documents, start: int, size: int) -> dict[str, Any]:
    info = {"hasNextPage": start + size < len(items), "endCursor": str(start + size)}
    return {"edges": [{"node": item} for item in items[start : start + size]], "pageInfo": info}


def _flat(node: dict[str, Any]) -> Documents:
    root = {name: value for name, value in node.items() if name != "lineItems"}
    return [root, *(item | {"__parentId": node.get("id")} for item in node.get("lineItems", []))]
