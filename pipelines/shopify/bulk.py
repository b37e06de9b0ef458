"""Shopify's bulk operations: start one, wait for it, and read its JSONL as whole documents.

Facts: shopify.dev, "Perform bulk operations with the GraphQL Admin API" (children follow with ``__parentId``;
``rootObjectCount`` counts the objects that aren't children; partial data is offered apart).
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import msgspec
import orjson
from tenacity import RetryCallState, Retrying, retry_if_result

from lake.errors import SourceError
from pipelines.shopify.api import Shopify
from pipelines.shopify.resources import Resource, query_text

TRIES = 3
PARENT = b'"__parentId"'
DONE = frozenset({"COMPLETED", "FAILED", "CANCELED", "EXPIRED"})


class Line(msgspec.Struct, gc=False, rename="camel"):
    """The keys of one JSONL line; the rest of it stays in its bytes."""

    id: str | None = None
    updated_at: str | None = None
    parent: str | None = msgspec.field(default=None, name="__parentId")


class Document(msgspec.Struct, gc=False):
    """One root object: its keys (None when they can't be read), its JSON with its children, and what is wrong."""

    keys: Line | None
    payload: bytes
    fault: str = ""


decode_line = msgspec.json.Decoder(Line).decode


def run_bulk(client: Shopify, resource: Resource) -> dict[str, Any]:
    """Run the resource's bulk operation to its end and give it (``url``, ``rootObjectCount``, ``createdAt`` …).

    Raises SourceError when Shopify won't start it or it doesn't complete; partial data is never used.
    """
    operation = _wait(partial(_poll, client, _start(client, resource)))
    if operation["status"] != "COMPLETED":
        raise SourceError(
            f"Shopify's bulk operation for {resource.name} ended as {operation['status']} "
            f"({operation.get('errorCode')}); run again to start a new one."
        )
    return operation


def _start(client: Shopify, resource: Resource) -> str:
    """Start the operation and give its id, after the one that a killed run may have left has ended."""
    for _ in range(TRIES):
        answer = orjson.loads(client.graphql(query_text("bulk_start"), {"query": resource.bulk_query}))
        started = answer["data"]["bulkOperationRunQuery"]
        if not started["userErrors"]:
            return str(started["bulkOperation"]["id"])
        if all(error.get("code") != "OPERATION_IN_PROGRESS" for error in started["userErrors"]):
            break
        _wait(lambda: _current(client))
    said = "; ".join(error["message"] for error in started["userErrors"])
    raise SourceError(f"Shopify didn't start the bulk operation for {resource.name}: {said}")


def _current(client: Shopify) -> Any:
    data = orjson.loads(client.graphql(query_text("bulk_current")))["data"]
    return data["currentBulkOperation"] or {"status": "COMPLETED"}


def _poll(client: Shopify, operation_id: str) -> dict[str, Any]:
    node: dict[str, Any] = orjson.loads(client.graphql(query_text("bulk_poll"), {"id": operation_id}))["data"]["node"]
    return node


def _wait(poll: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    waiting = Retrying(
        wait=_patience,
        retry=retry_if_result(lambda operation: operation["status"] not in DONE),
    )
    operation: dict[str, Any] = waiting(poll)
    return operation


def _patience(state: RetryCallState) -> float:
    """Wait a tenth of the time the operation has taken so far: quick ones are seen at once, long ones asked rarely."""
    return min(10.0, max(0.1, (state.seconds_since_start or 0.0) / 10))


def read_bulk(client: Shopify, resource: Resource, operation: dict[str, Any]) -> Iterator[Document]:
    """Stream the operation's JSONL as whole documents, children spliced in as the paged query nests them.

    Raises SourceError when a child doesn't follow its parent.
    """
    if not operation["url"]:
        return
    yield from assemble(resource, _lines(client, operation["url"]))


def _lines(client: Shopify, url: str) -> Iterator[bytes]:
    response = client.download(url)
    try:
        rest = b""
        for chunk in response.iter_bytes(1 << 20):
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines
        yield rest
    finally:
        response.close()


def assemble(resource: Resource, lines: Iterable[bytes]) -> Iterator[Document]:
    """Join each root line with the child lines that follow it; see read_bulk.

    A root whose line, or a line of whose children, can't be read is one faulty document with all its lines.
    """
    group: _Group | None = None
    for line in lines:
        if not line.strip():
            continue
        found, fault = _read(line)
        child = found.parent is not None if found else group is not None and PARENT in line
        if not child:
            if group is not None:
                yield group.document()
            group = _Group(resource, line, found, fault)
        elif group is None or not group.take(line, found, fault):
            apart = found.parent if found else "another object"
            raise SourceError(f"Shopify's bulk result for {resource.name} isn't grouped: a child of {apart} is apart.")
    if group is not None:
        yield group.document()


def _read(line: bytes) -> tuple[Line | None, str]:
    try:
        return decode_line(line), ""
    except msgspec.DecodeError as error:
        return None, f"not a document: {error}"


class _Group:
    """A root line and the child lines that follow it."""

    def __init__(self, resource: Resource, root: bytes, keys: Line | None, fault: str) -> None:
        self._resource = resource
        self._lines = [root]
        self._keys = keys
        self._fault = fault
        self._children: dict[str, list[bytes]] = {}

    def take(self, line: bytes, child: Line | None, fault: str) -> bool:
        """Take a child's line, unless it is another root's; one that can't be read makes the whole unreadable."""
        if child is not None and self._keys is not None and child.parent != self._keys.id:
            return False
        field = None if child is None else self._resource.children.get(gid_type(child.id))
        self._lines.append(line)
        if field is None:
            self._fault = fault or "a nested object of no known kind"
        else:
            self._children.setdefault(field, []).append(line)
        return True

    def document(self) -> Document:
        """Give the whole document."""
        if self._fault:
            return Document(None, b"\n".join(self._lines), self._fault)
        return Document(self._keys, splice(self._lines[0], self._resource, self._children))


def gid_type(gid: str | None) -> str:
    """Give the type in a global id: ``gid://shopify/LineItem/1`` is a LineItem."""
    return (gid or "").split("/")[3] if (gid or "").count("/") >= 4 else ""


def splice(root: bytes, resource: Resource, children: dict[str, list[bytes]]) -> bytes:
    """Put the children's JSON into their parent's, as the connections that the paged query would give."""
    parts = [root.rstrip()[:-1]]
    for name in resource.children.values():
        nodes = b",".join(b'{"node":' + child + b"}" for child in children.get(name, ()))
        parts.append(b',"' + name.encode() + b'":{"edges":[' + nodes + b"]}")
    return b"".join(parts) + b"}"
