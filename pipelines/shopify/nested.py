"""Connections inside a document, read past their first page: all line items, all lines of a refund."""

import re
from typing import Any

import orjson
from graphql import FieldNode, SelectionSetNode, parse

from lake.errors import SourceError
from pipelines.shopify.api import Shopify
from pipelines.shopify.documents import gid_type
from pipelines.shopify.resources import Resource
from pipelines.shopify.selections import is_paged, more_text, node_selection, selected, selection_of

KEY = b'"hasNextPage"'
MORE = KEY + b":true"
more = re.compile(KEY + rb"\s*:\s*true").search


def all_there(body: bytes, goes_on: bool) -> bool:
    """Whether no connection on a page has more than is on it; ``goes_on`` says that the page itself isn't the last."""
    at = body.rfind(KEY)
    if at < 0 or body[at + len(KEY) : at + len(KEY) + 1] != b":" or body[at + len(KEY) + 1 :][:1].isspace():
        # With spaces in its JSON each document is looked at.
        return False
    return body.count(MORE) == goes_on


def drained(client: Shopify, resource: Resource, payload: bytes) -> bytes:
    """Give a document with all of every connection in it, however deep; it stays as received where all is there.

    Raises SourceError when an object goes away meanwhile.
    """
    if not more(payload):
        return payload
    node: dict[str, Any] = orjson.loads(payload)
    _drain(client, node, node_selection(selection_of(parse(resource.query), resource.name)), "")
    return orjson.dumps(node)


def _drain(client: Shopify, node: dict[str, Any], selection: SelectionSetNode, owner: str) -> None:
    """Complete the connections of one object; ``owner`` is the id of the closest object above that has one."""
    owner = str(node.get("id") or owner)
    for name, field in selected(selection).items():
        value = node.get(name)
        if field.selection_set is None or value is None:
            continue
        if is_paged(field):
            _complete(client, owner, field, value)
            for edge in value["edges"]:
                _drain(client, edge["node"], node_selection(field), owner)
        else:
            for item in value if isinstance(value, list) else [value]:
                _drain(client, item, field.selection_set, owner)


def _complete(client: Shopify, owner: str, field: FieldNode, connection: dict[str, Any]) -> None:
    name = field.name.value
    query = more_text(gid_type(owner), field)
    cursors: list[str] = []
    while connection["pageInfo"]["hasNextPage"]:
        cursor = str(connection["pageInfo"]["endCursor"])
        if cursor in cursors:
            raise SourceError(f"Shopify gave the same {name} of {owner} twice; run again.")
        cursors.append(cursor)
        node = orjson.loads(client.graphql(query, {"id": owner, "after": cursor}))["data"]["node"]
        if node is None:
            raise SourceError(f"Shopify's {owner} vanished while its {name} were read; run again.")
        connection["edges"] += node[name]["edges"]
        connection["pageInfo"] = node[name]["pageInfo"]
