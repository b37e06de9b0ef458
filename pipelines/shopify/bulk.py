"""Shopify's bulk operations: start one, wait for it, and read its JSONL as whole documents.

Facts: shopify.dev, "Perform bulk operations with the GraphQL Admin API" (children follow with ``__parentId``;
``rootObjectCount`` counts the objects that aren't children; partial data is offered apart).
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import orjson
from tenacity import RetryCallState, Retrying, retry_if_result

from lake.errors import SourceError
from pipelines.shopify.api import Shopify
from pipelines.shopify.resources import Resource, query_text

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
    answer = orjson.loads(client.graphql(query_text("bulk_start"), {"query": resource.bulk_query}))
    started = answer["data"]["bulkOperationRunQuery"]
    if started["userErrors"]:
        said = "; ".join(error["message"] for error in started["userErrors"])
        raise SourceError(f"Shopify didn't start the bulk operation for {resource.name}: {said}")
    operation = _wait(lambda: _poll(client, started["bulkOperation"]["id"]))
    if operation["status"] != "COMPLETED":
        raise SourceError(
            f"Shopify's bulk operation for {resource.name} ended as {operation['status']} "
            f"({operation.get('errorCode')}); run again to start a new one."
        )
    return operation


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


def assemble(resource: Resource, lines: Iterator[bytes]) -> Iterator[Document]:
    """Join each root line with the child lines that follow it; see read_bulk."""
    root: bytes | None = None
    keys: Line | None = None
    children: dict[str, list[bytes]] = {}
    for line in lines:
        if not line.strip():
            continue
        try:
            found = decode_line(line)
        except msgspec.DecodeError as error:
            yield Document(None, line, f"not a document: {error}")
            continue
        if found.parent is None:
            if root is not None:
                yield Document(keys, splice(root, resource, children))
            root, keys, children = line, found, {}
        elif keys is None or found.parent != keys.id:
            raise SourceError(
                f"Shopify's bulk result for {resource.name} isn't grouped: a child of {found.parent} is apart."
            )
        else:
            children.setdefault(resource.children[gid_type(found.id)], []).append(line)
    if root is not None:
        yield Document(keys, splice(root, resource, children))


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
