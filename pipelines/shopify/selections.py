"""GraphQL queries cut from the one that pages: as bulk operations take them, and of one nested connection."""

from typing import Any

from graphql import (
    REMOVE,
    ArgumentNode,
    DocumentNode,
    FieldNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    Visitor,
    parse,
    print_ast,
    visit,
)

PAGING = frozenset({"first", "after", "query", "sortKey", "last", "before"})


NESTED = frozenset({"nested", "few"})
"""Variables that size the connections inside a document."""


class _Keys(Visitor):
    def __init__(self, keys: str) -> None:
        super().__init__()
        self.keys = keys

    def enter_variable_definition(self, node: Any, *_: object) -> Any:
        return REMOVE if node.variable.name.value in NESTED else None

    def enter_field(self, node: FieldNode, *_: object) -> Any:
        return _node(self.keys) if node.name.value == "node" else None


class _Bulk(Visitor):
    def __init__(self, apart: tuple[str, ...], search: str) -> None:
        super().__init__()
        self.apart = apart
        self.search = search

    def enter_variable_definition(self, *_: object) -> Any:
        return REMOVE

    def enter_argument(self, node: Any, *_: object) -> Any:
        if node.name.value == "query" and self.search:
            return ArgumentNode(name=node.name, value=StringValueNode(value=self.search, block=False))
        return REMOVE if node.name.value in PAGING else None

    def enter_field(self, node: FieldNode, *_: object) -> Any:
        return REMOVE if node.name.value in ("pageInfo", *self.apart) else None


def bulk_text(query: str, apart: tuple[str, ...], search: str = "") -> str:
    """Give a paged query as a bulk operation takes it, without the connections that ``apart`` names.

    ``search`` says what is wanted, '' everything. Fact: shopify.dev, "Perform bulk operations": no connection within a
    list; pages are Shopify's own affair.
    """
    document: DocumentNode = visit(parse(query), _Bulk(apart, search))
    return print_ast(document)


def keys_text(query: str, keys: str) -> str:
    """Give a paged query that asks for no more of each node than ``keys``, such as ``id updatedAt``."""
    document: DocumentNode = visit(parse(query), _Keys(keys))
    return print_ast(document)


def again_text(query: str, connection: str, single: str, kind: str, count: int) -> str:
    """Write the query that reads ``count`` objects by their ids as the paged query does: $i0 as n0, and so on.

    ``single`` is the field that takes an id, ``kind`` the type that the fields are of.
    """
    document = parse(query)
    sizes = [
        print_ast(variable)
        for definition in document.definitions
        if isinstance(definition, OperationDefinitionNode)
        for variable in definition.variable_definitions or ()
        if variable.variable.name.value in NESTED
    ]
    variables = ", ".join([*(f"$i{n}: ID!" for n in range(count)), *sizes])
    fields = " ".join(f"n{n}: {single}(id: $i{n}) {{ ...Whole }}" for n in range(count))
    whole = print_ast(node_selection(selection_of(document, connection)))
    return f"query Again({variables}) {{ {fields} }} fragment Whole on {kind} {whole}"


def _node(keys: str) -> FieldNode:
    definition = parse(f"{{ node {{ {keys} }} }}").definitions[0]
    assert isinstance(definition, OperationDefinitionNode)
    return selected(definition.selection_set)["node"]


def selection_of(document: DocumentNode, connection: str) -> FieldNode:
    """Find the field ``connection`` of a paged query, at the root or below it."""
    found: list[FieldNode] = []
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            waiting = list(selected(definition.selection_set).values())
            while waiting and not found:
                field = waiting.pop(0)
                found += [field] if field.name.value == connection else []
                waiting += selected(field.selection_set).values() if field.selection_set else []
    return found[0]


def selected(selection: SelectionSetNode) -> dict[str, FieldNode]:
    """Give a selection's fields by name, those behind a type condition included."""
    found: dict[str, FieldNode] = {}
    for node in selection.selections:
        if isinstance(node, FieldNode):
            found[node.name.value] = node
        elif isinstance(node, InlineFragmentNode):
            found |= selected(node.selection_set)
    return found


def is_paged(field: FieldNode) -> bool:
    """Whether a field is a connection that tells whether there is more."""
    return field.selection_set is not None and "pageInfo" in selected(field.selection_set)


def node_selection(field: FieldNode) -> SelectionSetNode:
    """Give what is selected of a connection's nodes."""
    assert field.selection_set is not None
    edges = selected(field.selection_set)["edges"].selection_set
    assert edges is not None
    node = selected(edges)["node"].selection_set
    assert node is not None
    return node


def more_text(kind: str, field: FieldNode) -> str:
    """Write the query for further pages of one nested connection of a ``kind``, with the same fields as the first."""
    assert field.selection_set is not None
    return (
        f"query More($id: ID!, $after: String) {{ node(id: $id) {{ ... on {kind} "
        f"{{ {field.name.value}(first: 100, after: $after) {print_ast(field.selection_set)} }} }} }}"
    )
