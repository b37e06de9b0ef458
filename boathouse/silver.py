"""Silver models of a database table, written from what bronze has of it: rows now, their history, unit tests."""

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from pyiceberg import types as iceberg
from pyiceberg.table import Table
from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from lake.errors import SettingError
from pipelines.postgres.columns import BESIDE

OURS = {
    "_op": "text",
    "_commit_lsn": "bigint",
    "_ordinal": "bigint",
    "_commit_at": "timestamptz",
    "_xid": "bigint",
    "_unchanged": "text[]",
    "_load_id": "text",
}
KINDS: dict[type, str] = {
    iceberg.BooleanType: "boolean",
    iceberg.IntegerType: "int",
    iceberg.LongType: "bigint",
    iceberg.FloatType: "float",
    iceberg.DoubleType: "double",
    iceberg.DateType: "date",
    iceberg.TimeType: "time",
    iceberg.TimestampType: "timestamp",
    iceberg.TimestamptzType: "timestamptz",
    iceberg.BinaryType: "blob",
}
# Two values of each kind, as a unit test writes them.
SAMPLES: dict[str, tuple[Any, Any]] = {
    "boolean": (True, False),
    "date": ("2026-01-01", "2026-01-02"),
    "time": ("10:00:00", "11:00:00"),
    "timestamp": ("2026-01-01 10:00:00", "2026-01-02 10:00:00"),
    "text": ("one", "two"),
}
# The kinds with a column of texts beside, once a value came that they can't hold.
BOUNDED = ("date", "time", "timestamp", "timestamptz", "decimal")


class Column(NamedTuple):
    """A column of bronze: its name, its type in DuckDB's words, and what the source calls it."""

    name: str
    kind: str
    note: str

    @property
    def quoted(self) -> str:
        """Its name, quoted where SQL needs that."""
        try:
            plain = re.fullmatch(r"[a-z_][a-z0-9_]*", self.name) and parse_one(
                f"SELECT {self.name}::INT AS {self.name}"
            )
        except SqlglotError:
            plain = None
        return self.name if plain else exp.to_identifier(self.name, quoted=True).sql("duckdb")

    @property
    def projection(self) -> str:
        """The line that selects it."""
        value, kind = self.quoted, self.kind
        if kind == "timestamptz":
            value, kind = f"@plain({value})", "timestamp"
        return f"{value}::{kind.upper()} AS {self.quoted}"


Keys = Sequence[tuple[Column, Column | None]]
"""The columns of a key, each with the one beside that has the texts of what it can't hold."""


def columns_of(table: Table) -> list[Column]:
    """Read the source's columns of a change table, as a model's SQL and ``external_models.yaml`` name their types."""
    return [
        Column(field.name, _kind(field.field_type), field.doc or field.name)
        for field in table.schema().fields
        if field.name not in OURS
    ]


def write_models(project: Path, name: str, columns: Sequence[Column], key: Sequence[str]) -> list[Path]:
    """Write the models of the bronze table ``pg_<name>``, its declaration and their unit test; give the new files.

    A file that is there is left alone. Raises SettingError for a table without its key in bronze.
    """
    named = {column.name: column for column in columns}
    if not key or not set(key) <= set(named):
        raise SettingError(f"bronze.pg_{name} has no key column, so its rows can't be told apart; copy it anew first.")
    keys = [(named[part], _beside(named[part], named)) for part in key]
    model = f"stg_{name}"
    files = {
        project / "models" / "silver" / f"{model}.sql": _now(name, columns, keys),
        project / "models" / "silver" / f"{model}_versions.sql": _versions(name, columns, keys),
    }
    new = [file for file in files if not file.exists()]
    if stems := {file.stem for file in new}:
        tests = project / "tests" / f"test_{model}.yaml"
        files[tests] = _tests(name, columns, keys, stems)
        new += [] if tests.exists() else [tests]
    for file in new:
        file.write_text(files[file], encoding="utf-8")
    declared = project / "external_models.yaml"
    if f"lake.bronze.pg_{name}\n" not in declared.read_text(encoding="utf-8"):
        kinds = {column.name: column.kind for column in columns} | OURS
        with declared.open("a", encoding="utf-8") as out:
            yaml.safe_dump([{"name": f"lake.bronze.pg_{name}", "columns": kinds}], out, sort_keys=False)
        new.append(declared)
    return new


def _kind(kind: iceberg.IcebergType) -> str:
    if isinstance(kind, iceberg.DecimalType):
        return f"decimal({kind.precision}, {kind.scale})"
    return KINDS.get(type(kind), "text")


def _beside(column: Column, named: Mapping[str, Column]) -> Column | None:
    """Find the column with the texts of a column's values that it can't hold; it is part of a key as that is."""
    return named.get(f"{column.name}{BESIDE}") if column.kind.startswith(BOUNDED) else None


def _now(name: str, columns: Sequence[Column], keys: Keys) -> str:
    grain = [part.quoted for key in keys for part in key if part]
    unique = "unique_values" if len(grain) == 1 else "unique_combination_of_columns"
    return _formatted(
        f"""/* {_title(name)} as the database has it now. One row a {_named(keys)}. */
        MODEL (name silver.stg_{name}, kind FULL, owner data_engineer, grain ({", ".join(grain)}),
          audits ({_known(keys)}, {unique}(columns := ({", ".join(grain)}))));
        WITH latest AS (@rows_now(lake.bronze.pg_{name}, {", ".join(key.quoted for key, _ in keys)}))
        SELECT {_lines(columns)} FROM latest"""
    )


def _versions(name: str, columns: Sequence[Column], keys: Keys) -> str:
    grain = ", ".join([*(part.quoted for key in keys for part in key if part), "valid_from"])
    ours = """@plain(_valid_from)::TIMESTAMP AS valid_from, /* When the database committed the version, UTC */
      @plain(_valid_to)::TIMESTAMP AS valid_to, /* When the next one came, UTC; NULL for the last */
      _is_deleted::BOOLEAN AS is_deleted /* Whether the row was deleted then */"""
    return _formatted(
        f"""/* {_title(name)} with its history. One row a {_named(keys)} and version. */
        MODEL (name silver.stg_{name}_versions, kind FULL, owner data_engineer, grain ({grain}),
          audits ({_known(keys, "valid_from", "is_deleted")}, unique_combination_of_columns(columns := ({grain}))));
        WITH versions AS (@row_versions(lake.bronze.pg_{name}, {", ".join(key.quoted for key, _ in keys)}))
        SELECT {_lines(columns, last=",")} {ours} FROM versions"""
    )


def _named(keys: Keys) -> str:
    return " and ".join(key.name for key, _ in keys)


def _known(keys: Keys, *more: str) -> str:
    """Write the audits that no part of a key is missing, and none of ``more``."""
    whole = [*(key.quoted for key, beside in keys if beside is None), *more]
    halves = [f"NOT {key.quoted} IS NULL OR NOT {beside.quoted} IS NULL" for key, beside in keys if beside]
    audits = [f"not_null(columns := ({', '.join(whole)}))"] if whole else []
    audits += [f"forall(criteria := ({', '.join(halves)}))"] if halves else []
    return ", ".join(audits)


def _lines(columns: Sequence[Column], last: str = "") -> str:
    notes = [column.note.replace("*/", "* /") for column in columns]
    ends = [*["," for _ in columns[1:]], last]
    return "\n".join(f"{one.projection}{end} /* {note} */" for one, end, note in zip(columns, ends, notes, strict=True))


def _formatted(sql: str) -> str:
    from sqlmesh.core.dialect import format_model_expressions, parse

    text: str = format_model_expressions(parse(sql, default_dialect="duckdb"), "duckdb")
    return text.rstrip("\n") + "\n"


def _tests(name: str, columns: Sequence[Column], keys: Keys, models: Collection[str]) -> str:
    first, second = (_sample(columns, keys, place) for place in (0, 1))
    ours: list[dict[str, Any]] = [
        {"_op": op, "_commit_lsn": lsn, "_ordinal": 0, "_commit_at": f"2026-01-0{lsn} 12:00:00+00", "_load_id": "a"}
        for op, lsn in (("r", 1), ("u", 2))
    ]
    inputs = {f"lake.bronze.pg_{name}": {"rows": [first | ours[0], second | ours[1]]}}
    spans: list[dict[str, Any]] = [
        {"valid_from": "2026-01-01 12:00:00", "valid_to": "2026-01-02 12:00:00", "is_deleted": False},
        {"valid_from": "2026-01-02 12:00:00", "valid_to": None, "is_deleted": False},
    ]
    stories: dict[str, tuple[str, str, list[dict[str, Any]]]] = {
        f"test_stg_{name}": ("", "The last change of a row stands.", [second]),
        f"test_stg_{name}_versions": (
            "_versions",
            "Each change of a row is a version.",
            [first | spans[0], second | spans[1]],
        ),
    }
    document = {
        test: {
            "model": f"silver.stg_{name}{suffix}",
            "description": said,
            "inputs": inputs,
            "outputs": {"partial": True, "query": {"rows": rows}},
        }
        for test, (suffix, said, rows) in stories.items()
        if f"stg_{name}{suffix}" in models
    }
    dumper: Any = yaml.SafeDumper
    dumper.ignore_aliases = lambda *_: True
    return str(yaml.dump(document, Dumper=dumper, sort_keys=False, allow_unicode=True, width=1000))


def _sample(columns: Sequence[Column], keys: Keys, place: int) -> dict[str, Any]:
    """Make a row; its key is the same in both. What a test can't write down the same way in and out is left NULL."""
    same, left_out = [key for key, _ in keys], [beside for _, beside in keys]
    row: Mapping[str, Any] = {
        column.name: SAMPLES.get(column.kind, (1, 2))[0 if column in same else place]
        for column in columns
        if column.kind not in ("blob", "timestamptz") and column not in left_out
    }
    return dict(row)


def _title(name: str) -> str:
    return f"The table {name.replace('_', '.', 1)}"
