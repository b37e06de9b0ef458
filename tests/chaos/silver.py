"""Changes folded as silver's models fold them: by the macros of the project, in DuckDB."""

import importlib.util
from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import Any

import duckdb
import pyarrow as pa
from sqlglot import exp, parse_one
from sqlmesh.core.macros import macro as sqlmesh_macro

from lake.warehouse import PROJECT

TYPES = {
    "string": "text",
    "int32": "int",
    "int64": "bigint",
    "double": "double",
    "bool": "boolean",
    "date32[day]": "date",
    "time64[us]": "time",
    "timestamp[us]": "timestamp",
    "timestamp[us, tz=UTC]": "timestamptz",
    "binary": "blob",
    "list<item: string>": "text[]",
    "list<element: string>": "text[]",
}


class Evaluator:
    """Stands in for SQLMesh, which knows the columns of the tables."""

    gateway = "duckdb"

    def __init__(self, schema: pa.Schema) -> None:
        self._kinds = {field.name: TYPES.get(str(field.type), str(field.type).replace("128", "")) for field in schema}

    def columns_to_types(self, _: exp.Expression) -> dict[str, exp.DataType]:
        """Give every column with its type."""
        return {name: exp.DataType.build(kind, dialect="duckdb") for name, kind in self._kinds.items()}


def fold(macro: str, changes: pa.Table, key: Sequence[str]) -> list[dict[str, Any]]:
    """Run ``rows_now`` or ``row_versions`` over the rows of a change table."""
    columns = [exp.column(name) for name in key]
    sql = getattr(_macros(), macro)(Evaluator(changes.schema), parse_one("changes"), *columns).sql("duckdb")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("changes", changes)
        return list(connection.execute(sql).to_arrow_table().to_pylist())


@cache
def _macros() -> ModuleType:
    """Load the project's macros, which SQLMesh loads in a way of its own; it must not take these for its own."""
    spec = importlib.util.spec_from_file_location("macros_changes", PROJECT / "macros" / "changes.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    known = sqlmesh_macro.get_registry()
    spec.loader.exec_module(module)
    sqlmesh_macro.set_registry(known)
    return module
