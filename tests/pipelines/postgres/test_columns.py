from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from lake.errors import SourceError
from pipelines.postgres.columns import Column, from_text
from tests.pipelines.postgres.conftest import Landed, Source

# Postgres type, literal, Arrow type, value in bronze.
TYPES: list[tuple[str, str, str, Any]] = [
    ("smallint", "-32768", "int32", -32768),
    ("integer", "2147483647", "int32", 2147483647),
    ("bigint", "-9223372036854775808", "int64", -(2**63)),
    ("oid", "4294967295", "int64", 4294967295),
    ("real", "3.4028235e38", "float", 3.4028234663852886e38),
    ("double precision", "'-Infinity'", "double", float("-inf")),
    ("double precision", "0.1", "double", 0.1),
    ("numeric(10, 2)", "-12345678.90", "decimal128(10, 2)", Decimal("-12345678.90")),
    ("numeric(38, 10)", "1234567890123456789012345678.0000000001", "decimal128(38, 10)",
     Decimal("1234567890123456789012345678.0000000001")),
    ("numeric(39, 1)", "1.5", "string", "1.5"),
    ("numeric(3, -2)", "12300", "string", "12300"),
    ("numeric", "'NaN'", "string", "NaN"),
    ("numeric", "1.10", "string", "1.10"),
    ("boolean", "true", "bool", True),
    ("boolean", "false", "bool", False),
    ("text", "E'a \"quoted\", \\n line \\\\N \\\\.'", "string", 'a "quoted", \n line \\N \\.'),
    ("text", "''", "string", ""),
    ("varchar(5)", "'NULL'", "string", "NULL"),
    ("char(4)", "'ab'", "string", "ab  "),
    ("bytea", "'\\x00ff5c'", "binary", b"\x00\xff\x5c"),
    ("bytea", "''", "binary", b""),
    ("jsonb", """'{"b": [1, null], "a": "ü"}'""", "string", '{"a": "ü", "b": [1, null]}'),
    ("json", """'{"b":1,  "b":2}'""", "string", '{"b":1,  "b":2}'),
    ("uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", "string", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("date", "'0001-01-01'", "date32[day]", date(1, 1, 1)),
    ("date", "'9999-12-31'", "date32[day]", date(9999, 12, 31)),
    ("timestamp", "'1969-12-31 23:59:59.999999'", "timestamp[us]", datetime(1969, 12, 31, 23, 59, 59, 999999)),
    ("timestamptz", "'2024-03-10 02:30:00.5-05'", "timestamp[us, tz=UTC]",
     datetime(2024, 3, 10, 7, 30, 0, 500000, tzinfo=UTC)),
    ("timestamptz", "'1800-01-01 00:00:00+00'", "timestamp[us, tz=UTC]", datetime(1800, 1, 1, tzinfo=UTC)),
    ("time", "'23:59:59.000001'", "time64[us]", time(23, 59, 59, 1)),
    ("timetz", "'12:00:00+02'", "string", "12:00:00+02"),
    ("interval", "'1 year 2 days 03:00'", "string", "P1Y2DT3H"),
    ("text[]", """'{a,NULL,"b c"}'""", "string", '{a,NULL,"b c"}'),
    ("int4range", "'[1,5)'", "string", "[1,5)"),
    ("inet", "'10.0.0.1/8'", "string", "10.0.0.1/8"),
    ("bit(3)", "B'101'", "string", "101"),
    ("mood", "'so so'", "string", "so so"),
    ("positive", "7", "int32", 7),
    ("price", "12.30", "decimal128(8, 2)", Decimal("12.30")),
    ("moods", "'{so so}'", "string", '{"so so"}'),
    ("pair", "ROW(1, 'x')", "string", "(1,x)"),
]  # fmt: skip
# What a twin can't hold, and its text.
OUTSIDE = [
    ("date", "'infinity'", "infinity"),
    ("date", "'0044-03-15 BC'", "0044-03-15 BC"),
    ("timestamp", "'-infinity'", "-infinity"),
    ("timestamp", "'10000-01-01 00:00:00'", "10000-01-01 00:00:00"),
    ("timestamptz", "'infinity'", "infinity"),
    ("time", "'24:00'", "24:00:00"),
    ("numeric(5, 1)", "'NaN'", "NaN"),
]


def test_every_type_lands_the_same_from_a_snapshot_and_from_a_change(source: Source, landed: Landed) -> None:
    source.run("CREATE TYPE mood AS ENUM ('so so')", "CREATE DOMAIN positive AS integer CHECK (VALUE > 0)")
    source.run("CREATE DOMAIN amount AS numeric(8, 2)", "CREATE DOMAIN price AS amount CHECK (VALUE > 0)")
    source.run("CREATE DOMAIN moods AS mood[]", "CREATE TYPE pair AS (a integer, b text)")
    columns = ", ".join(f"c{number} {kind[0]}" for number, kind in enumerate(TYPES))
    values = ", ".join(kind[1] for kind in TYPES)
    source.run(f"CREATE TABLE t (id integer PRIMARY KEY, {columns})")
    source.run(f"INSERT INTO t VALUES (1, {values})", "INSERT INTO t VALUES (2)")
    landed.load()
    source.run(f"INSERT INTO t VALUES (3, {values})", "INSERT INTO t VALUES (4)")
    landed.load()
    snapshot, change = landed.batches["pg_public_t"]
    assert snapshot.schema == change.schema
    names = [f"c{number}" for number in range(len(TYPES))]
    assert [str(snapshot.schema.field(name).type) for name in names] == [kind[2] for kind in TYPES]
    for full, empty in (snapshot.select(names).to_pylist(), change.select(names).to_pylist()):
        assert [full[name] for name in names] == [kind[3] for kind in TYPES]
        assert set(empty.values()) == {None}


@pytest.mark.parametrize(("kind", "literal", "text"), OUTSIDE)
def test_a_value_outside_its_columns_twin_lands_as_text_beside_it(
    source: Source, landed: Landed, kind: str, literal: str, text: str
) -> None:
    source.run(f"CREATE TABLE t (id integer PRIMARY KEY, c {kind})", f"INSERT INTO t VALUES (1, {literal})")
    landed.load()
    source.run(f"INSERT INTO t VALUES (2, {literal})", "INSERT INTO t VALUES (3, NULL)")
    landed.load()
    rows = landed.tables["pg_public_t"]
    assert [(row["c"], row["c__text"]) for row in rows] == [(None, text), (None, text), (None, None)]


def test_a_later_value_outside_the_twin_lands_beside_too(source: Source, landed: Landed) -> None:
    source.run("CREATE TABLE t (id integer PRIMARY KEY, c date)", "INSERT INTO t VALUES (1, '2024-01-01')")
    landed.load()
    source.run("INSERT INTO t VALUES (2, '2024-01-02'), (3, 'infinity')")
    landed.load()
    rows = landed.tables["pg_public_t"]
    days = [(row["c"], row.get("c__text")) for row in rows]
    assert days == [(date(2024, 1, 1), None), (date(2024, 1, 2), None), (None, "infinity")]


def test_a_text_that_is_no_value_of_the_type_stops_with_table_column_and_value() -> None:
    with pytest.raises(SourceError, match=r"Column c of shop\.t lands as int32, which can't hold 'x'"):
        from_text(pa.array([None, "1", "x"]), Column("c", 23, -1), "shop.t")


def test_bytes_are_read_from_any_part_of_an_array() -> None:
    texts = pa.array(["\\x01", "\\x", None, "\\x00ff5c", "\\x02"]).slice(1, 3)
    assert from_text(texts, Column("c", 17, -1), "t")["c"].to_pylist() == [b"", None, b"\x00\xff\x5c"]


def test_a_single_column_of_nulls_and_empty_texts_keeps_every_row(source: Source, landed: Landed) -> None:
    source.run("CREATE TABLE t (c text UNIQUE NOT NULL)", "ALTER TABLE t ADD PRIMARY KEY (c)")
    source.run("INSERT INTO t VALUES (''), ('\n')")
    landed.load()
    assert sorted(row["c"] for row in landed.tables["pg_public_t"]) == ["", "\n"]


def test_generated_columns_are_left_out(source: Source, landed: Landed) -> None:
    source.run("CREATE TABLE t (id integer PRIMARY KEY, twice integer GENERATED ALWAYS AS (id * 2) STORED)")
    source.run("INSERT INTO t VALUES (1)")
    landed.load()
    source.run("INSERT INTO t VALUES (2)")
    landed.load()
    assert ["twice" in row for row in landed.tables["pg_public_t"]] == [False, False]


def test_a_numeric_without_precision_is_text() -> None:
    assert Column("c", 1700, -1).type == pa.string()
