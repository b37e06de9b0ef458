"""The shape of many JSON documents: which paths they have, of which type, and how often a path is NULL."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

import duckdb

SAMPLE = 5_000
"""Documents of a load whose shape is looked at; of a larger load, as many are drawn by lot, always the same ones."""
FREE = ("metadata", "note_attributes", "properties")
"""Objects whose keys the merchant makes up: they are one path, ``metadata.*``."""
PAGING = "pageInfo"
"""What a page tells of itself: a bulk operation has none, and a document read again beside it has."""
NUMBERS = {"UBIGINT": "integer", "BIGINT": "integer", "HUGEINT": "integer", "UHUGEINT": "integer", "DOUBLE": "number"}


@dataclass(frozen=True)
class Shape:
    """Path to type (text, integer, number, boolean, object, list, null or mixed), as in ``lines[].price``.

    ``nulls`` says of each path that isn't in a list, how many of ``sampled`` documents have nothing there.
    """

    types: dict[str, str] = field(default_factory=dict)
    documents: int = 0
    sampled: int = 0
    nulls: dict[str, int] = field(default_factory=dict)

    def merged(self, other: "Shape") -> "Shape":
        """Give the shape of both sets of documents."""
        types = dict(self.types)
        for path, kind in other.types.items():
            types[path] = _wider(types.get(path, kind), kind)
        # A path that the other set never saw was NULL in all of it.
        nulls = {
            path: self.nulls.get(path, self.sampled) + other.nulls.get(path, other.sampled)
            for path in self.nulls.keys() | other.nulls.keys()
        }
        return Shape(types, self.documents + other.documents, self.sampled + other.sampled, nulls)


def shape_of(connection: duckdb.DuckDBPyConnection, documents: str) -> Shape:
    """Read the shape of the JSON texts in column ``payload`` of a table or view, of SAMPLE of them if it has more."""
    (total,) = connection.execute(f"SELECT count(*) FROM {documents}").fetchone() or (0,)
    if not total:
        return Shape()
    sample = f"USING SAMPLE reservoir({SAMPLE} ROWS) REPEATABLE (1)" if total > SAMPLE else ""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE sampled AS SELECT payload::JSON AS doc FROM {documents} {sample}")
    (structure,) = connection.execute("SELECT json_group_structure(doc) FROM sampled").fetchone() or ("{}",)
    types = flat(json.loads(structure))
    named = [path for path, kind in types.items() if "[]" not in path and kind not in ("object", "null", "free")]
    return Shape(types, int(total), min(int(total), SAMPLE), _nulls(connection, named))


def first_text(connection: duckdb.DuckDBPyConnection, path: str) -> str | None:
    """Give one value at ``path`` in the documents that ``shape_of`` looked at last, as text."""
    found = "json_extract_string(doc, ?)" + ("[1]" if "[]" in path else "")
    row = connection.execute(
        f"SELECT {found} AS text FROM sampled WHERE text IS NOT NULL ORDER BY text LIMIT 1", [json_path(path)]
    ).fetchone()
    return None if row is None else str(row[0])


def flat(structure: Any, path: str = "") -> dict[str, str]:
    """Flatten what DuckDB's ``json_group_structure`` gives into path to type."""
    if isinstance(structure, str):
        kind = {"VARCHAR": "text", "BOOLEAN": "boolean", "NULL": "null", "JSON": "mixed"}
        return {path: NUMBERS.get(structure) or kind.get(structure, structure.lower())}
    if isinstance(structure, list):
        return ({path: "list"} if path else {}) | (flat(structure[0], f"{path}[]") if structure else {})
    found = {path: "object"} if path else {}
    if path.rpartition(".")[2].removesuffix("[]") in FREE:
        return found | {f"{path}.*": "free"}
    for name, inner in structure.items():
        if name == PAGING:
            continue
        found |= flat(inner, f"{path}.{name}" if path else name)
    return found


def json_path(path: str) -> str:
    """Write ``a.b[].c`` as DuckDB's ``$."a"."b"[*]."c"``."""
    steps = (step.partition("[]") for step in path.split("."))
    return "$" + "".join(f'."{name}"' + ("[*]" if listed else "") for name, listed, _ in steps)


def _nulls(connection: duckdb.DuckDBPyConnection, paths: list[str]) -> dict[str, int]:
    rows = connection.execute(
        """
        WITH found AS (SELECT json_extract_string(doc, ?) AS texts FROM sampled),
        said AS (SELECT unnest(texts) AS text, unnest(?::VARCHAR[]) AS path FROM found)
        SELECT path, count(*) FILTER (text IS NULL) FROM said GROUP BY path
        """,
        [[json_path(path) for path in paths], paths],
    ).fetchall()
    return {str(path): int(nulls) for path, nulls in rows}


def _wider(one: str, other: str) -> str:
    if one == other or other == "null":
        return one
    if one == "null":
        return other
    return "number" if {one, other} == {"integer", "number"} else "mixed"


def share(shape: Shape, path: str) -> float:
    """Give the share of documents that have nothing at ``path``, from 0 to 1."""
    return shape.nulls.get(path, shape.sampled) / shape.sampled if shape.sampled else 0.0


def as_json(shape: Shape) -> str:
    """Write a shape as it is kept in ``ops.shapes``."""
    return json.dumps(asdict(shape), sort_keys=True)


def from_json(text: str) -> Shape:
    """Read a shape that ``as_json`` wrote."""
    return Shape(**json.loads(text))
