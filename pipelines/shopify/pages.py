"""Shopify's connections page by page: what changed since a time, or which ids there are, each document whole."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import orjson

from lake.errors import SourceError
from pipelines.shopify.api import Shopify, TooCostlyError
from pipelines.shopify.documents import Document, Line, decode_line
from pipelines.shopify.nested import drained
from pipelines.shopify.resources import Resource

MOST = 250
"""Objects that Shopify gives on one page."""
REPEATS = 3
LEG = 20_000
"""Objects after which a search starts again at the newest seen: Shopify pages through 25,000 of one search."""


class _PageInfo(msgspec.Struct, rename="camel"):
    has_next_page: bool
    end_cursor: str | None = None


class _Edge(msgspec.Struct, gc=False):
    node: msgspec.Raw


class _Connection(msgspec.Struct, rename="camel"):
    edges: list[_Edge]
    page_info: _PageInfo


class _AtRoot(msgspec.Struct):
    data: dict[str, _Connection]


class _Below(msgspec.Struct):
    data: dict[str, dict[str, _Connection] | None]


_decode_root = msgspec.json.Decoder(_AtRoot).decode
_decode_below = msgspec.json.Decoder(_Below).decode


def read_changes(client: Shopify, resource: Resource, since: str) -> Iterator[Document]:
    """Page through what was updated at or after ``since`` (ISO 8601; '' is everything), nested connections whole.

    A page that costs more than Shopify allows one query is asked for again at half the size. Raises SourceError.
    """
    for payload in _all(client, resource, resource.query, since, resource.page):
        yield _document(client, resource, payload)


def read_keys(client: Shopify, resource: Resource, since: str) -> Iterator[Line]:
    """Page through the ids and versions alone of what was updated at or after ``since``. Raises SourceError."""
    for payload in _all(client, resource, resource.keys_query, since, MOST):
        yield decode_line(payload)


def count_changes(client: Shopify, resource: Resource, since: str) -> int:
    """Ask the shop how many objects were updated at or after ``since``; 0 where it doesn't count them."""
    if not resource.count:
        return 0
    if not resource.searched:
        query = f"query Count {{ {resource.count}(limit: null) {{ count }} }}"
        return int(orjson.loads(client.graphql(query))["data"][resource.count]["count"])
    query = f"query Count($query: String) {{ {resource.count}(query: $query, limit: null) {{ count }} }}"
    body = orjson.loads(client.graphql(query, {"query": updated_since(since)}))
    return int(body["data"][resource.count]["count"])


def updated_since(since: str) -> str:
    """Write the search for what was updated at or after a time; '' for everything."""
    return f"updated_at:>='{since}'" if since else ""


def _all(client: Shopify, resource: Resource, query: str, since: str, size: int) -> Iterator[bytes]:
    if resource.below:
        places = [str(decode_line(node).id) for node in pages(client, LOCATIONS, "locations", {}, MOST)]
    else:
        places = [""]
    for place in places:
        yield from _legs(client, resource, query, since, size, {"location": place} if place else {})


def _legs(
    client: Shopify, resource: Resource, query: str, since: str, size: int, variables: dict[str, Any]
) -> Iterator[bytes]:
    """Page through a search, and through what is left of it by another, as long as there is more than one may hold."""
    while True:
        newest = since
        asked = variables | resource.nested | ({"query": updated_since(since)} if resource.searched else {})
        for count, payload in enumerate(pages(client, query, resource.name, asked, size), 1):
            yield payload
            if resource.sorted and count >= LEG:
                newest = max(newest, _version(payload))
                if newest > since:
                    break
        else:
            return
        since = newest


def pages(client: Shopify, query: str, name: str, variables: dict[str, Any], size: int) -> Iterator[bytes]:
    """Give the JSON of each node of a connection, at the root or one below it, page after page.

    While a page's nodes are given, the next page is on its way.
    """
    after: str | None = None
    repeats = 0
    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(client.graphql, query, variables | {"first": size, "after": after})
        while True:
            try:
                connection = _connection(coming.result(), name, below="location" in variables)
            except TooCostlyError:
                if size == 1:
                    raise
                size = max(1, size // 2)
                coming = ahead.submit(client.graphql, query, variables | {"first": size, "after": after})
                continue
            if connection is None:
                return
            info = connection.page_info
            if info.has_next_page:
                repeats = repeats + 1 if info.end_cursor in (None, after) else 0
                if repeats == REPEATS:
                    raise SourceError(f"Shopify gave the same page of {name} again and again; run again.")
                after = info.end_cursor or after
                coming = ahead.submit(client.graphql, query, variables | {"first": size, "after": after})
            for edge in connection.edges:
                yield bytes(edge.node)
            if not info.has_next_page:
                return


LOCATIONS = (
    "query Locations($first: Int!, $after: String) { locations(first: $first, after: $after, includeInactive: true, "
    "includeLegacy: true) { edges { node { id } } pageInfo { hasNextPage endCursor } } }"
)


def _connection(answer: bytes, name: str, *, below: bool) -> _Connection | None:
    if not below:
        return _decode_root(answer).data[name]
    owner = next(iter(_decode_below(answer).data.values()))
    return None if owner is None else owner[name]


def _version(payload: bytes) -> str:
    try:
        return decode_line(payload).version or ""
    except msgspec.DecodeError:
        return ""


def _document(client: Shopify, resource: Resource, payload: bytes) -> Document:
    try:
        keys: Line = decode_line(payload)
    except msgspec.DecodeError as error:
        return Document(None, payload, f"not a document: {error}")
    return Document(keys, drained(client, resource, payload))
