"""Writes a bulk query's answer as JSON lines: a document a line, what hangs below it on lines of its own."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import orjson
from graphql import (
    FieldNode,
    GraphQLNamedType,
    GraphQLObjectType,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

from infra.sandbox.shopify.listings import Listing
from infra.sandbox.shopify.nodes import Node, Nodes
from infra.sandbox.shopify.projection import Projector, is_connection
from infra.sandbox.shopify.references import Reference

CHUNK = 500
_DEEPEST = 2


class BulkQueryError(Exception):
    """A query that can't be run in bulk; the message is Shopify's."""


class LinePlan(NamedTuple):
    """How one connection's nodes become lines: what to cut out of each, and the connections below."""

    cut: Callable[[Node], Node]
    below: list[tuple[str, "LinePlan"]]


def line_plan(projector: Projector, kind: GraphQLObjectType, field: FieldNode, depth: int = 0) -> LinePlan:
    """Compile one connection field.

    Raises BulkQueryError if connections are nested too deep, or a node above another has no id.
    """
    if depth > _DEEPEST:
        raise BulkQueryError("Bulk queries cannot contain connections with a nesting depth greater than 2.")
    connection = _object(kind, field)
    target, sets = _node(projector, connection, [field])
    if not isinstance(target, GraphQLObjectType):
        return LinePlan(projector.abstract(sets), [])
    if _lists_connections(projector, target, sets):
        raise BulkQueryError("Queries that contain a connection field within a list field are not currently supported.")
    plain = projector.document(target, sets, inline=True)
    below = [
        (group[0].name.value, line_plan(projector, target, group[0], depth + 1))
        for group in projector.fields(target, sets).values()
        if group[0].name.value in target.fields and is_connection(target, group[0])
    ]
    if below and "id" not in projector.fields(target, sets):
        raise BulkQueryError(
            "The parent 'node' field for a nested connection must select the 'id' field without an alias and must be "
            f"of 'ID' return type. Connection fields without 'id': {field.name.value}."
        )
    return LinePlan(plain, below)


def _lists_connections(
    projector: Projector, kind: GraphQLObjectType, sets: list[SelectionSetNode], within: bool = False
) -> bool:
    """Say whether a selection holds a connection within a list; what is below its connections isn't looked at."""
    for group in projector.fields(kind, sets).values():
        name = group[0].name.value
        if name not in kind.fields or (is_connection(kind, group[0]) and not within):
            continue
        if is_connection(kind, group[0]):
            return True
        of, target = get_nullable_type(kind.fields[name].type), get_named_type(kind.fields[name].type)
        deeper = [field.selection_set for field in group if field.selection_set]
        if isinstance(target, GraphQLObjectType) and _lists_connections(
            projector, target, deeper, within or is_list_type(of)
        ):
            return True
    return False


def _node(
    projector: Projector, connection: GraphQLObjectType, fields: list[FieldNode]
) -> tuple[GraphQLNamedType, list[SelectionSetNode]]:
    """Find a connection's node type and what is selected on it, through ``edges { node }`` or ``nodes``."""
    sets: list[SelectionSetNode] = []
    for group in projector.fields(connection, [f.selection_set for f in fields if f.selection_set]).values():
        for field in group:
            if field.name.value == "nodes" and field.selection_set:
                sets.append(field.selection_set)
            if field.name.value == "edges" and field.selection_set:
                edge = _object(connection, field)
                inner = projector.fields(edge, [field.selection_set])
                sets += [f.selection_set for f in inner.get("node", []) if f.selection_set]
    target: GraphQLNamedType = get_named_type(connection.fields["nodes"].type)
    if not sets:
        raise BulkQueryError("Bulk queries must select edges { node } or nodes of each connection.")
    return target, sets


def _object(kind: GraphQLObjectType, field: FieldNode) -> GraphQLObjectType:
    target = get_named_type(kind.fields[field.name.value].type)
    assert isinstance(target, GraphQLObjectType)
    return target


def write_lines(nodes: Nodes, listing: Listing, plan: LinePlan) -> Iterator[tuple[int, int, bytes]]:
    """Yield pieces of the file: how many documents, how many of them of the root, and their lines."""
    for start in range(0, len(listing.numbers), CHUNK):
        numbers = np.asarray(listing.numbers[start : start + CHUNK], np.int64)
        lines: list[bytes] = []
        for node in nodes.many(listing.kind, numbers):
            _add(nodes, plan, node, None, lines)
        yield len(lines), len(numbers), b"\n".join(lines) + b"\n"


def _add(nodes: Nodes, plan: LinePlan, node: Node, parent: str | None, lines: list[bytes]) -> None:
    found = plan.cut(node)
    if parent is not None:
        found["__parentId"] = parent
    lines.append(orjson.dumps(found))
    for name, below in plan.below:
        value = node[name]
        for child in value() if callable(value) else value:
            document = nodes.one(child) if isinstance(child, Reference) else child
            _add(nodes, below, document, node["id"], lines)
