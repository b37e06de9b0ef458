"""Shopify's connections page by page: what changed since a time, or which ids there are, each document whole."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import orjson

from lake.errors import SourceError
from pipelines.ahead import ahead
from pipelines.shopify.answer import Answer
from pipelines.shopify.api import Shopify, TooCostlyError
from pipelines.shopify.documents import Document, Line, decode_line
from pipelines.shopify.nested import all_there, drained
from pipelines.shopify.resources import Resource

MOST = 250
"""Objects that Shopify gives on one page."""
REPEATS = 3
LEG = 20_000
"""Objects after which a search starts again at the newest seen: Shopify pages through 25,000 of one search."""
AHEAD = 16
"""Pages that are read while earlier ones land."""
# Fact: GraphQL specification (October 2021), 7.2.2: an answer's fields stand in the order in which they are asked.
first_keys = re.compile(rb'\{"id":"([^"\\\x80-\xff]+)","updatedAt":"([^"\\\x80-\xff]+)"').match


class _PageInfo(msgspec.Struct, rename="camel"):
    has_next_page: bool
    end_cursor: str | None = None


class _Edge(msgspec.Struct, gc=False):
    node: msgspec.Raw


class _Connection(msgspec.Struct, rename="camel"):
    edges: list[_Edge]
    page_info: _PageInfo


class _AtRoot(Answer):
    data: dict[str, _Connection | None] | None = None

    def connection(self, name: str) -> _Connection | None:
        return (self.data or {}).get(name)


class _Below(Answer):
    data: dict[str, dict[str, _Connection] | None] | None = None

    def connection(self, name: str) -> _Connection | None:
        owner = next(iter((self.data or {}).values()), None)
        return None if owner is None else owner[name]


AT_ROOT, BELOW = msgspec.json.Decoder(_AtRoot), msgspec.json.Decoder(_Below)


class Page(NamedTuple):
    """The JSON of each node on a page; ``whole`` says that no connection in them has another page."""

    nodes: list[bytes]
    whole: bool


def read_changes(client: Shopify, resource: Resource, since: str) -> Iterator[list[Document]]:
    """Give, a page at a time, what was updated at or after ``since`` (ISO 8601; '' is everything), whole.

    A page that costs more than Shopify allows one query is asked for again at half the size. Raises SourceError.
    """
    found = _all(client, resource, resource.query, since, resource.page)
    return ahead((_documents(client, resource, page) for page in found), AHEAD)


def read_keys(client: Shopify, resource: Resource, since: str) -> Iterator[Line]:
    """Page through the ids and versions alone of what was updated at or after ``since``. Raises SourceError."""
    for page in ahead(_all(client, resource, resource.keys_query, since, MOST), AHEAD):
        yield from map(_keys, page.nodes)


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


def pages(client: Shopify, query: str, name: str, variables: dict[str, Any], size: int) -> Iterator[bytes]:
    """Give the JSON of each node of a connection, at the root or one below it, page after page."""
    for page in _pages(client, query, name, variables, size):
        yield from page.nodes


def _all(client: Shopify, resource: Resource, query: str, since: str, size: int) -> Iterator[Page]:
    if resource.below:
        places = [str(decode_line(node).id) for node in pages(client, LOCATIONS, "locations", {}, MOST)]
    else:
        places = [""]
    for place in places:
        yield from _legs(client, resource, query, since, size, {"location": place} if place else {})


def _legs(
    client: Shopify, resource: Resource, query: str, since: str, size: int, variables: dict[str, Any]
) -> Iterator[Page]:
    """Page through a search, and through what is left of it by another, as long as there is more than one may hold."""
    while True:
        newest, count = since, 0
        asked = variables | resource.nested | ({"query": updated_since(since)} if resource.searched else {})
        for page in _pages(client, query, resource.name, asked, size):
            yield page
            count += len(page.nodes)
            if resource.sorted and count >= LEG:
                newest = max([newest, *map(_version, page.nodes)])
                if newest > since:
                    break
        else:
            return
        since = newest


def _pages(client: Shopify, query: str, name: str, variables: dict[str, Any], size: int) -> Iterator[Page]:
    after: str | None = None
    repeats = 0
    decoder: msgspec.json.Decoder[Any] = BELOW if "location" in variables else AT_ROOT
    while True:
        try:
            body, answer = client.ask(query, variables | {"first": size, "after": after}, decoder)
        except TooCostlyError:
            if size == 1:
                raise
            size = max(1, size // 2)
            continue
        connection: _Connection | None = answer.connection(name)
        if connection is None:
            return
        info = connection.page_info
        yield Page([bytes(edge.node) for edge in connection.edges], all_there(body, info.has_next_page))
        if not info.has_next_page:
            return
        repeats = repeats + 1 if info.end_cursor in (None, after) else 0
        if repeats == REPEATS:
            raise SourceError(f"Shopify gave the same page of {name} again and again; run again.")
        after = info.end_cursor or after


LOCATIONS = (
    "query Locations($first: Int!, $after: String) { locations(first: $first, after: $after, includeInactive: true, "
    "includeLegacy: true) { edges { node { id } } pageInfo { hasNextPage endCursor } } }"
)


def _version(payload: bytes) -> str:
    try:
        return _keys(payload).version or ""
    except msgspec.DecodeError:
        return ""


def _keys(payload: bytes) -> Line:
    """Read a document's keys: from where the query puts them, or from the whole of it."""
    found = first_keys(payload)
    return Line(str(found[1], "ascii"), str(found[2], "ascii")) if found else decode_line(payload)


def _documents(client: Shopify, resource: Resource, page: Page) -> list[Document]:
    return [_document(client, resource, payload, page.whole) for payload in page.nodes]


def _document(client: Shopify, resource: Resource, payload: bytes, whole: bool) -> Document:
    try:
        keys = _keys(payload)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Document(None, payload, f"not a document: {error}")
    return Document(keys, payload if whole else drained(client, resource, payload))
