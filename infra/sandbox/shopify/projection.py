"""Turns a GraphQL selection into a function that cuts exactly those fields out of a document.

graphql-core's own executor takes about a millisecond a document; this takes some microseconds.
"""

from collections.abc import Callable
from operator import itemgetter
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
)
from graphql.execution.values import VariableValues, get_argument_values, get_directive_values

from infra.sandbox.identifiers import gid, legacy_id
from infra.sandbox.shopify.nodes import Node, Nodes
from infra.sandbox.shopify.paging import Page, list_page
from infra.sandbox.shopify.references import Reference
from infra.sandbox.shopify.search import searched

Convert = Callable[[Any], Any]
Fields = dict[str, list[FieldNode]]

_AMOUNTS = ("MoneyV2", "MoneyBag")


class Projector:
    """Compiles the selections of one operation, with its variables filled in."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: dict[str, FragmentDefinitionNode],
        variables: VariableValues,
        nodes: Nodes,
    ) -> None:
        self.schema = schema
        self.fragments = fragments
        self.variables = variables
        self.nodes = nodes

    def fields(self, kind: GraphQLObjectType, sets: list[SelectionSetNode]) -> Fields:
        """Collect the selected fields of one type by the name they get in the answer."""
        found: Fields = {}
        for selection_set in sets:
            for node in selection_set.selections:
                if not self._included(node):
                    continue
                if isinstance(node, FieldNode):
                    found.setdefault((node.alias or node.name).value, []).append(node)
                elif isinstance(node, InlineFragmentNode | FragmentSpreadNode):
                    for key, more in self._fragment(kind, node).items():
                        found.setdefault(key, []).extend(more)
        return found

    def _included(self, node: Any) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return not (skip and skip["if"]) and (include is None or bool(include["if"]))

    def _fragment(self, kind: GraphQLObjectType, node: InlineFragmentNode | FragmentSpreadNode) -> Fields:
        fragment = node if isinstance(node, InlineFragmentNode) else self.fragments[node.name.value]
        condition = fragment.type_condition
        wanted: GraphQLNamedType | None = self.schema.get_type(condition.name.value) if condition else kind
        fits = wanted is kind or (is_abstract_type(wanted) and self.schema.is_sub_type(wanted, kind))
        return self.fields(kind, [fragment.selection_set]) if fits else {}

    def arguments(self, kind: GraphQLObjectType, field: FieldNode) -> dict[str, Any]:
        """Fill in a field's arguments."""
        values: dict[str, Any] = get_argument_values(kind.fields[field.name.value], field, self.variables)
        return values

    def document(self, kind: GraphQLObjectType, sets: list[SelectionSetNode], *, inline: bool = False) -> Convert:
        """Compile the selection on a type; with ``inline`` leave out its connections."""
        selected = self.fields(kind, sets)
        typenames = [key for key, fields in selected.items() if fields[0].name.value == "__typename"]
        plain = {
            key: fields
            for key, fields in selected.items()
            if key not in typenames and not (inline and is_connection(kind, fields[0]))
        }
        names = [fields[0].name.value for fields in plain.values()]
        converts = [(key, convert) for key, fields in plain.items() if (convert := self.value(kind, fields))]
        return _cutter(list(plain), names, converts, dict.fromkeys(typenames, kind.name))

    def value(self, kind: GraphQLObjectType, fields: list[FieldNode]) -> Convert | None:
        """Compile what is done with a field's value; nothing for a scalar, which stays as it is."""
        target = get_named_type(kind.fields[fields[0].name.value].type)
        if is_leaf_type(target):
            return None
        sets = [field.selection_set for field in fields if field.selection_set]
        if not isinstance(target, GraphQLObjectType):
            return self._linked(self.abstract(sets), light=False)
        if self._whole(target, sets):
            return None
        if target.name.endswith("Connection"):
            args = self.arguments(kind, fields[0])
            cut = self.connection(target, sets)
            return lambda value: cut(list_page(self.nodes, searched(value() if callable(value) else value, args), args))
        light = {field.name.value for field in _flat(self.fields(target, sets))} <= {"id", "legacyResourceId"}
        return self._linked(self.document(target, sets), light and target.name != "MailingAddress")

    def abstract(self, sets: list[SelectionSetNode]) -> Convert:
        """Compile the selection on an interface or a union: the document's ``__typename`` says what it is."""
        cuts: dict[str, Convert] = {}

        def convert(node: Node) -> Node:
            name = node["__typename"]
            if name not in cuts:
                kind = self.schema.get_type(name)
                assert isinstance(kind, GraphQLObjectType)
                cuts[name] = self.document(kind, sets)
            found: Node = cuts[name](node)
            return found

        return convert

    def _whole(self, kind: GraphQLObjectType, sets: list[SelectionSetNode]) -> bool:
        """Say whether a selection is all there is of an amount, so that it can stay as it is."""
        selected = self.fields(kind, sets)
        return (
            kind.name in _AMOUNTS
            and list(selected) == [fields[0].name.value for fields in selected.values()] == list(kind.fields)
            and all(self.value(kind, fields) is None for fields in selected.values())
        )

    def _linked(self, cut: Convert, light: bool) -> Convert:
        """Follow references; when no more than ids are asked for, without making the document."""
        one = _identity if light else self.nodes.one

        def convert(value: Any) -> Any:
            if value is None:
                return None
            if isinstance(value, list):
                return [convert(item) for item in value]
            return cut(one(value) if type(value) is Reference else value)

        return convert

    def connection(self, kind: GraphQLObjectType, sets: list[SelectionSetNode]) -> Callable[[Page], Node]:
        """Compile the selection on a connection into a function of one page."""
        parts = [(key, self._part(kind, fields)) for key, fields in self.fields(kind, sets).items()]
        return lambda page: {key: part(page) for key, part in parts}

    def _part(self, kind: GraphQLObjectType, fields: list[FieldNode]) -> Callable[[Page], Any]:
        name = fields[0].name.value
        if name == "__typename":
            return lambda page: kind.name
        target = get_named_type(kind.fields[name].type)
        assert isinstance(target, GraphQLObjectType)
        sets = [field.selection_set for field in fields if field.selection_set]
        cut = self.document(target, sets)
        if name == "nodes":
            return lambda page: [cut(node) for node in page.nodes]
        if name == "pageInfo":
            return lambda page: cut(_page_info(page))
        wants_cursor = any(field.name.value == "cursor" for field in _flat(self.fields(target, sets)))
        cursor = (lambda page, place: page.cursor(place)) if wants_cursor else (lambda page, place: "")
        return lambda page: [
            cut({"cursor": cursor(page, place), "node": node}) for place, node in enumerate(page.nodes)
        ]


def is_connection(kind: GraphQLObjectType, field: FieldNode) -> bool:
    """Say whether a field is a connection."""
    name: str = get_named_type(kind.fields[field.name.value].type).name
    return name.endswith("Connection")


def _cutter(keys: list[str], names: list[str], converts: list[tuple[str, Convert]], constants: Node) -> Convert:
    if len(names) == 1 and not constants:
        return _single(keys[0], names[0], converts[0][1] if converts else None)
    if len(names) == 1:
        name = names[0]
        get: Callable[[Node], tuple[Any, ...]] = lambda node: (node[name],)  # noqa: E731
    else:
        get = itemgetter(*names) if names else (lambda node: ())

    def cut(node: Node) -> Node:
        found = dict(zip(keys, get(node), strict=True))
        for key, convert in converts:
            found[key] = convert(found[key])
        return {**found, **constants} if constants else found

    return cut


def _single(key: str, name: str, convert: Convert | None) -> Convert:
    if convert is None:
        return lambda node: {key: node[name]}
    return lambda node: {key: convert(node[name])}


def _flat(fields: Fields) -> list[FieldNode]:
    return [field for group in fields.values() for field in group]


def _identity(reference: Reference) -> Node:
    kind, index = reference
    return {"id": gid(kind, index), "legacyResourceId": str(legacy_id(kind, index))}


def _page_info(page: Page) -> Node:
    last = len(page.nodes) - 1
    return {
        "hasNextPage": page.has_next,
        "hasPreviousPage": page.has_previous,
        "startCursor": page.cursor(0) if last >= 0 else None,
        "endCursor": page.cursor(last) if last >= 0 else None,
    }
