"""Answers one GraphQL request: parse, validate, charge, run."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    get_named_type,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

from infra.sandbox.shopify.cost import MOST_A_QUERY, Bucket, field_cost, requested_cost
from infra.sandbox.shopify.nodes import Nodes
from infra.sandbox.shopify.paging import Page
from infra.sandbox.shopify.projection import Projector
from infra.sandbox.shopify.roots import Roots

SCHEMA_FILE = Path(__file__).parent / "admin.graphql"
_LIMITS = "https://shopify.dev/api/usage/rate-limits"
_UNKNOWN_FIELD = re.compile(r"Cannot query field '(\w+)' on type '(\w+)'\.")


class Prepared(NamedTuple):
    """A request that can be run: its operation and what runs it."""

    operation: OperationDefinitionNode
    kind: GraphQLObjectType
    projector: Projector


class Executor:
    """Runs GraphQL requests against one shop."""

    def __init__(self, nodes: Nodes, roots: Roots, bucket: Bucket, schema: GraphQLSchema) -> None:
        self.schema = schema
        self.nodes = nodes
        self.roots = roots
        self.bucket = bucket
        self._checked = lru_cache(256)(self._check)

    def execute(self, query: str, variables: dict[str, Any], name: str | None, host: str) -> dict[str, Any]:
        """Answer one request with ``data``, ``errors`` and ``extensions.cost`` as Shopify does."""
        try:
            prepared = self.prepare(query, variables, name)
            requested = requested_cost(prepared.projector, prepared.kind, [prepared.operation.selection_set])
        except GraphQLError as error:
            return {"errors": [_described(error)]}
        except InvalidQueryError as error:
            return {"errors": [_described(one) for one in error.errors]}
        if requested > MOST_A_QUERY:
            return {"errors": [_too_dear(requested)]}
        if not self.bucket.take(requested):
            throttled = {"code": "THROTTLED", "documentation": _LIMITS}
            cost = self.bucket.cost(requested, None)
            return {"errors": [{"message": "Throttled", "extensions": throttled}], "extensions": {"cost": cost}}
        return self._run(prepared, requested, host)

    def prepare(self, query: str, variables: dict[str, Any], name: str | None) -> Prepared:
        """Parse and validate a query and fill in its variables.

        Raises GraphQLError or InvalidQueryError.
        """
        document = self._checked(query)
        operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        operation = next((node for node in operations if not name or (node.name and node.name.value == name)), None)
        if operation is None:
            raise GraphQLError(f'No operation named "{name}"')
        filled = get_variable_values(self.schema, list(operation.variable_definitions or []), variables)
        if isinstance(filled, list):
            raise InvalidQueryError(filled)
        fragments = {n.name.value: n for n in document.definitions if isinstance(n, FragmentDefinitionNode)}
        mutation = operation.operation is OperationType.MUTATION
        kind = self.schema.mutation_type if mutation else self.schema.query_type
        assert kind is not None
        return Prepared(operation, kind, Projector(self.schema, fragments, filled, self.nodes))

    def _check(self, query: str) -> DocumentNode:
        document = parse(query)
        errors = validate(self.schema, document)
        if errors:
            raise InvalidQueryError(errors)
        return document

    def _run(self, prepared: Prepared, requested: int, host: str) -> dict[str, Any]:
        operation, kind, projector = prepared
        data: dict[str, Any] = {}
        actual = 0.0
        try:
            for key, fields in projector.fields(kind, [operation.selection_set]).items():
                data[key], points = self._root(projector, kind, fields, host)
                actual += points
        except GraphQLError as error:
            return {"data": None, "errors": [_described(error)]}
        spent = min(requested, round(actual))
        self.bucket.take(spent - requested)
        return {"data": data, "extensions": {"cost": self.bucket.cost(requested, spent)}}

    def _root(
        self, projector: Projector, kind: GraphQLObjectType, fields: list[FieldNode], host: str
    ) -> tuple[Any, float]:
        """Answer one root field, and say what it really cost."""
        name = fields[0].name.value
        if name == "__typename":
            return kind.name, 0
        if name.startswith("__"):
            raise GraphQLError("Introspection is not answered here; the schema is admin.graphql.")
        value = self.roots.value(name, projector.arguments(kind, fields[0]), host)
        sets = [field.selection_set for field in fields if field.selection_set]
        target = get_named_type(kind.fields[name].type)
        if isinstance(value, Page):
            assert isinstance(target, GraphQLObjectType)
            cost = field_cost(projector, kind, fields, len(value.nodes))
            return projector.connection(target, sets)(value), cost
        if value is None:
            return None, 1
        typed = value if isinstance(value, list) else [value]
        found = [self._typed(projector, item, target, sets) for item in typed]
        return (found if isinstance(value, list) else found[0]), field_cost(projector, kind, fields)

    def _typed(self, projector: Projector, item: Any, target: Any, sets: list[Any]) -> Any:
        """Cut one document; behind an interface the document says its own type."""
        if item is None:
            return None
        kind, node = (target, item) if isinstance(target, GraphQLObjectType) else item
        concrete = self.schema.get_type(kind) if isinstance(kind, str) else kind
        assert isinstance(concrete, GraphQLObjectType)
        return projector.document(concrete, sets)(node)


class InvalidQueryError(Exception):
    """A query that the schema doesn't allow."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        self.errors = errors
        super().__init__("; ".join(error.message for error in errors))


def load_schema() -> GraphQLSchema:
    """Read admin.graphql."""
    return build_schema(SCHEMA_FILE.read_text())


def _described(error: GraphQLError) -> dict[str, Any]:
    """Describe an error as Shopify does; it words an unknown field in its own way."""
    locations = [{"line": place.line, "column": place.column} for place in error.locations or []]
    found: dict[str, Any] = {"message": error.message, "locations": locations}
    if unknown := _UNKNOWN_FIELD.match(error.message):
        field, kind = unknown.groups()
        found["message"] = f"Field '{field}' doesn't exist on type '{kind}'"
        found["extensions"] = {"code": "undefinedField", "typeName": kind, "fieldName": field}
    elif error.extensions:
        found["extensions"] = error.extensions
    return found


def _too_dear(points: int) -> dict[str, Any]:
    text = (
        f"Query cost is {points}, which exceeds the single query max cost limit ({MOST_A_QUERY}).\n\nSee "
        "https://shopify.dev/concepts/about-apis/rate-limits for more information on how the\ncost of a query is "
        "calculated.\n\nTo query larger amounts of data with fewer limits, bulk operations should be used instead.\n"
        "See https://shopify.dev/tutorials/perform-bulk-operations-with-admin-api for usage details.\n"
    )
    extensions = {"code": "MAX_COST_EXCEEDED", "cost": points, "maxCost": MOST_A_QUERY, "documentation": _LIMITS}
    return {"message": text, "extensions": extensions}
