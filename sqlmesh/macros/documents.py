"""JSON documents: parsed once, then asked by path, on DuckDB and on Snowflake."""

import json
from typing import Any

from sqlglot import exp, parse_one
from sqlmesh import macro


@macro()
def document(evaluator: Any, payload: exp.Expression, *paths: exp.Expression) -> exp.Expression:
    """Parse ``payload`` into a document that holds ``paths``, such as ``'customer.id'`` or ``'lines[].sku'``.

    Every value comes out as text. DuckDB parses only what the paths name; Snowflake makes a VARIANT.
    """
    if evaluator.gateway == "snowflake":
        return parse_one(f"PARSE_JSON({payload.sql('snowflake')})", dialect="snowflake")
    structure = json.dumps(_structure([path.name for path in paths]))
    return exp.func("JSON_TRANSFORM", payload, exp.Literal.string(structure))


@macro()
def is_latest(evaluator: Any, *thing: exp.Expression) -> exp.Expression:
    """Say whether a bronze row is the last word on what ``thing`` names: ``id``, or ``id, version``.

    At equal versions a deletion stands, and a document that was read beats one that a webhook carried, since a
    webhook tells less (Shopify) or was written earlier (Stripe).
    """
    names = ", ".join(column.sql("duckdb") for column in thing)
    order = "version DESC, _op = 'delete' DESC, _lane = 'webhook', _received_at DESC, _load_id DESC"
    return parse_one(f"ROW_NUMBER() OVER (PARTITION BY {names} ORDER BY {order}) = 1", dialect="duckdb")


@macro()
def at(evaluator: Any, doc: exp.Expression, path: exp.Expression) -> exp.Expression:
    """Give the text at ``path`` of a document, in which ``[0]`` is a list's first item; NULL where there is none."""
    if evaluator.gateway == "snowflake":
        return exp.cast(_path(doc, path.name), "TEXT")
    return _steps(doc, path.name)


@macro()
def items_of(
    evaluator: Any, source: exp.Expression, doc: exp.Expression, path: exp.Expression, item: exp.Expression
) -> exp.Expression:
    """Write the query that gives each row of ``source`` once for each ``item`` of the list at ``path`` of ``doc``.

    An item is a document. DuckDB unnests in the projection: joined to an UNNEST, it hashes whole documents.
    """
    if evaluator.gateway == "snowflake":
        found = f"{source.name}_{item.name}s"
        unnested = f"UNNEST({_path(doc, path.name).sql('duckdb')}) AS {found}({item.name})"
        sql = f"SELECT {source.name}.*, {found}.{item.name} FROM {source.name} CROSS JOIN {unnested}"
        return parse_one(sql, dialect="duckdb")
    items = exp.func("UNNEST", _steps(doc, path.name), dialect="duckdb")
    return exp.select("*", exp.alias_(items, item.name)).from_(source.name)


def _path(doc: exp.Expression, path: str) -> exp.Expression:
    # A function of no dialect: sqlglot would parse the document again at every step.
    return exp.Anonymous(this="GET_PATH", expressions=[doc, exp.Literal.string(path)])


def _steps(doc: exp.Expression, path: str) -> exp.Expression:
    for step in path.split("."):
        doc = exp.func("STRUCT_EXTRACT", doc, exp.Literal.string(step.removesuffix("[0]")), dialect="duckdb")
        if step.endswith("[0]"):
            doc = exp.func("LIST_EXTRACT", doc, exp.Literal.number(1), dialect="duckdb")
    return doc


def _structure(paths: list[str]) -> dict[str, Any]:
    """Turn paths into the structure that DuckDB's JSON_TRANSFORM takes: ``a.b`` is ``{"a": {"b": "VARCHAR"}}``."""
    structure: dict[str, Any] = {}
    for path in paths:
        here = structure
        *steps, last = path.split(".")
        for step in steps:
            here = here.setdefault(step[:-2], [{}])[0] if step.endswith("[]") else here.setdefault(step, {})
        here[last] = "VARCHAR"
    return structure
