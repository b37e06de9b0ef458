"""Shopify's connections page by page: what changed since a time, each document whole."""

from collections.abc import Iterator
from typing import Any

import msgspec
import orjson
from graphql import FieldNode, Visitor, parse, print_ast, visit

from lake.errors import SourceError
from pipelines.shopify.api import Shopify, TooCostlyError
from pipelines.shopify.bulk import Document, Line, decode_line
from pipelines.shopify.resources import Resource

TRIES = 3


class _PageInfo(msgspec.Struct, rename="camel"):
    has_next_page: bool
    end_cursor: str | None = None


class _Edge(msgspec.Struct):
    node: msgspec.Raw


class _Connection(msgspec.Struct, rename="camel"):
    edges: list[_Edge]
    page_info: _PageInfo


class _Body(msgspec.Struct):
    data: dict[str, _Connection]


decode_body = msgspec.json.Decoder(_Body).decode


def read_changes(client: Shopify, resource: Resource, since: str) -> Iterator[Document]:
    """Page through what was updated at or after ``since`` (ISO 8601), oldest change first.

    A page that costs more than Shopify allows one query is asked for again at half the size.

    Raises SourceError.
    """
    after: str | None = None
    page = resource.page
    while True:
        variables = {"first": page, "after": after, "query": f"updated_at:>='{since}'"}
        try:
            connection = decode_body(client.graphql(resource.query, variables)).data[resource.name]
        except TooCostlyError:
            if page == 1:
                raise
            page = max(1, page // 2)
            continue
        for edge in connection.edges:
            yield _document(client, resource, bytes(edge.node))
        if not connection.page_info.has_next_page:
            return
        after = connection.page_info.end_cursor


def count_changes(client: Shopify, resource: Resource, since: str) -> int:
    """Ask the shop how many objects were updated at or after ``since``."""
    query = f"query Count($query: String) {{ {resource.count}(query: $query, limit: null) {{ count }} }}"
    body = orjson.loads(client.graphql(query, {"query": f"updated_at:>='{since}'"}))
    return int(body["data"][resource.count]["count"])


def _document(client: Shopify, resource: Resource, payload: bytes) -> Document:
    try:
        keys: Line = decode_line(payload)
    except msgspec.DecodeError as error:
        return Document(None, payload, f"not a document: {error}")
    return Document(keys, _drained(client, resource, payload, keys))


def _drained(client: Shopify, resource: Resource, payload: bytes, keys: Line) -> bytes:
    """Fetch the rest of every nested connection that didn't fit its first page."""
    if b'"hasNextPage":true' not in payload.replace(b" ", b""):
        return payload
    node: dict[str, Any] = orjson.loads(payload)
    for field in resource.children.values():
        info = node[field]["pageInfo"]
        while info["hasNextPage"]:
            more = _more(client, resource, str(keys.id), field, info["endCursor"])
            node[field]["edges"] += more["edges"]
            node[field]["pageInfo"] = info = more["pageInfo"]
    return orjson.dumps(node)


def _more(client: Shopify, resource: Resource, gid: str, field: str, after: str) -> dict[str, Any]:
    query = nested_query(resource, field)
    node = orjson.loads(client.graphql(query, {"id": gid, "after": after}))["data"]["node"]
    if node is None:
        raise SourceError(f"Shopify's {gid} vanished while its {field} were read; run again.")
    connection: dict[str, Any] = node[field]
    return connection


def nested_query(resource: Resource, field: str) -> str:
    """Write the query for further pages of one nested connection, with the same fields as the first."""
    found: list[FieldNode] = []

    class Finder(Visitor):
        def enter_field(self, node: FieldNode, *_: object) -> None:
            if node.name.value == field:
                found.append(node)

    visit(parse(resource.query), Finder())
    selection = print_ast(found[0].selection_set) if found and found[0].selection_set else ""
    return (
        f"query More($id: ID!, $after: String) {{ node(id: $id) {{ ... on {resource.kind} "
        f"{{ {field}(first: 100, after: $after) {selection} }} }} }}"
    )
