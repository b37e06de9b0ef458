"""Whether Snowflake's tables hold what DuckDB's do: rows, type families, NULLs and values, column by column."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from lake.settings import Settings
from lake.warehouse import WAREHOUSE

SCHEMAS = ("silver", "gold")
# The connector's names of types, https://docs.snowflake.com/en/developer-guide/python-connector/python-connector-api
SNOWFLAKE_FAMILIES = {
    "TEXT": "text",
    "REAL": "float",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP_NTZ": "timestamp",
    "TIMESTAMP_LTZ": "instant",
    "TIMESTAMP_TZ": "instant",
}
DUCKDB_FAMILIES = {
    "VARCHAR": "text",
    "DOUBLE": "float",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "instant",
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"), "integer"),
}
# How a value of each family is written before it is hashed; a decimal keeps its scale.
WRITTEN = {
    "text": "CAST({0} AS VARCHAR)",
    "integer": "CAST(CAST({0} AS HUGEINT) AS VARCHAR)",
    "decimal": "CAST(CAST({0} AS DECIMAL(38, {1})) AS VARCHAR)",
    "float": "CAST(CAST({0} AS DOUBLE) AS VARCHAR)",
    "boolean": "CAST(CAST({0} AS BOOLEAN) AS VARCHAR)",
    "date": "CAST(CAST({0} AS DATE) AS VARCHAR)",
    "timestamp": "CAST(EPOCH_US({0}) AS VARCHAR)",
    "instant": "CAST(EPOCH_US({0}) AS VARCHAR)",
}


@dataclass(frozen=True)
class Profile:
    """What a table holds: its rows, a hash over whole rows, and for each column its family, NULLs and hash.

    No hash depends on the order of the rows.
    """

    rows: int
    digest: str
    columns: dict[str, tuple[str, int, str]]


@dataclass(frozen=True)
class Difference:
    """A column, or a whole model where ``column`` is ``*``, that isn't equal, and why."""

    model: str
    column: str
    reason: str


@dataclass(frozen=True)
class Comparison:
    """How many models and columns are equal, of how many, and each one that isn't."""

    models: int
    equal_models: int
    columns: int
    equal_columns: int
    differences: tuple[Difference, ...]


def compare(settings: Settings, connection: Any, progress: Callable[[str], None] | None = None) -> Comparison:
    """Compare every model's table of production in DuckDB's warehouse with Snowflake's (the connector's connection)."""
    models = columns = equal_models = equal_columns = 0
    differences: list[Difference] = []
    with duckdb.connect(str(settings.state_dir / WAREHOUSE), read_only=True) as warehouse:
        for model in _models(warehouse):
            if progress is not None:
                progress(model)
            ours, theirs = profile_duckdb(warehouse, model), profile_snowflake(connection, model)
            found = list(differences_of(model, ours, theirs))
            differences += found
            wrong = {one.column for one in found if one.column != "*"}
            models, columns = models + 1, columns + len(ours.columns)
            equal_models += not found
            equal_columns += sum(name not in wrong for name in ours.columns)
    return Comparison(models, equal_models, columns, equal_columns, tuple(differences))


def differences_of(model: str, ours: Profile, theirs: Profile) -> Iterator[Difference]:
    """Say for each column of a model what isn't equal, DuckDB's first."""
    if ours.rows != theirs.rows:
        yield Difference(model, "*", f"{ours.rows:,} rows in DuckDB, {theirs.rows:,} in Snowflake")
    elif ours.digest != theirs.digest and ours.columns == theirs.columns:
        yield Difference(model, "*", "each column is equal, but the rows pair them otherwise")
    for name in sorted(theirs.columns.keys() - ours.columns.keys()):
        yield Difference(model, "*", f"{name} is only in Snowflake")
    for name, (family, nulls, digest) in ours.columns.items():
        if name not in theirs.columns:
            yield Difference(model, name, "only in DuckDB")
        elif theirs.columns[name][0] != family:
            yield Difference(model, name, f"{family} in DuckDB, {theirs.columns[name][0]} in Snowflake")
        elif theirs.columns[name][1] != nulls:
            yield Difference(model, name, f"{nulls:,} NULLs in DuckDB, {theirs.columns[name][1]:,} in Snowflake")
        elif theirs.columns[name][2] != digest:
            yield Difference(model, name, "other values")


def profile_duckdb(warehouse: duckdb.DuckDBPyConnection, model: str) -> Profile:
    """Profile a model's table in the warehouse."""
    relation = warehouse.sql(f"SELECT * FROM {model}")
    families = dict(zip(relation.columns, (_duckdb_family(str(kind)) for kind in relation.types), strict=True))
    return profile(relation.to_arrow_table(), families)


def profile_snowflake(connection: Any, model: str) -> Profile:
    """Profile a model's table in Snowflake, read whole over the connector."""
    cursor = connection.cursor()
    cursor.execute(f"SELECT * FROM {model.upper()}")
    names = [column.name.lower() for column in cursor.description]
    families = dict(zip(names, (_snowflake_family(column) for column in cursor.description), strict=True))
    table = cursor.fetch_arrow_all(force_return_table=True)
    return profile(table.rename_columns(names), families)


def profile(table: pa.Table, families: dict[str, str]) -> Profile:
    """Profile rows whose columns are of these families, such as ``integer`` or ``decimal(2)``."""
    written = {name: _written(name, family) for name, family in families.items()}
    whole = "HASH(" + ", ".join(written.values()) + ")"
    parts = [f"COUNT(*) - COUNT({text}), {_total(f'HASH({text})')}" for text in written.values()]
    with duckdb.connect() as scratch:
        scratch.execute("SET TimeZone = 'UTC'")
        scratch.register("rows_given", table)
        row = scratch.execute(f"SELECT COUNT(*), {_total(whole)}, {', '.join(parts)} FROM rows_given").fetchone()
    assert row is not None
    columns = {name: (family, row[2 + 2 * at], row[3 + 2 * at]) for at, (name, family) in enumerate(families.items())}
    return Profile(row[0], row[1], columns)


def _models(warehouse: duckdb.DuckDBPyConnection) -> list[str]:
    found = warehouse.execute(
        "SELECT table_schema || '.' || table_name FROM information_schema.tables "
        "WHERE table_schema IN (?, ?) AND table_catalog = current_database() ORDER BY 1",
        list(SCHEMAS),
    ).fetchall()
    return [str(name) for (name,) in found]


def _total(hashed: str) -> str:
    return f"CAST(COALESCE(SUM(CAST({hashed} AS HUGEINT)), 0) AS VARCHAR)"


def _written(name: str, family: str) -> str:
    kind, _, scale = family.rstrip(")").partition("(")
    return WRITTEN.get(kind, WRITTEN["text"]).format(f'"{name}"', scale)


def _duckdb_family(kind: str) -> str:
    if kind.startswith("DECIMAL"):
        return f"decimal({kind.rstrip(')').split(',')[1].strip()})"
    return DUCKDB_FAMILIES.get(kind, kind.lower())


def _snowflake_family(column: Any) -> str:
    from snowflake.connector.constants import FIELD_ID_TO_NAME

    kind = str(FIELD_ID_TO_NAME[column.type_code])
    if kind == "FIXED":
        return f"decimal({column.scale})" if column.scale else "integer"
    return SNOWFLAKE_FAMILIES.get(kind, kind.lower())
