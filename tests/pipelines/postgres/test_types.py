"""Every type lands the same from a copy, from a change, and as the source itself writes it."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from lake.settings import Settings
from pipelines.postgres import compiling
from pipelines.postgres.api import connect
from pipelines.postgres.columns import from_text
from pipelines.postgres.kinds import Kinds
from tests.pipelines.postgres.conftest import Landed, Source, database
from tests.pipelines.postgres.servers import EMBEDDED, INSTALLED, VERSIONS, running

# What the types below are made of. geometry stands in for PostGIS', whose extension isn't there: a base type with an
# output function of its own and none for binary.
MADE = (
    "CREATE EXTENSION hstore",
    "CREATE TYPE mood AS ENUM ('so so', 'good, \"really\"', 'ü')",
    "CREATE DOMAIN positive AS integer CHECK (VALUE > 0)",
    "CREATE DOMAIN amount AS numeric(8, 2)",
    "CREATE DOMAIN price AS amount CHECK (VALUE > -100)",
    "CREATE DOMAIN humour AS mood",
    "CREATE DOMAIN words AS text[]",
    "CREATE DOMAIN day AS date",
    "CREATE TYPE pair AS (a integer, b text)",
    "CREATE DOMAIN couple AS pair",
    "CREATE TYPE span AS RANGE (subtype = timestamptz)",
    "CREATE TYPE geometry",
    "CREATE FUNCTION geometry_in(cstring) RETURNS geometry LANGUAGE internal IMMUTABLE STRICT AS 'textin'",
    "CREATE FUNCTION geometry_out(geometry) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout'",
    "CREATE TYPE geometry (INPUT = geometry_in, OUTPUT = geometry_out, INTERNALLENGTH = VARIABLE, STORAGE = extended)",
)
VALUES: dict[str, list[str]] = {
    "smallint": ["-32768", "32767"],
    "integer": ["-2147483648", "2147483647", "0"],
    "bigint": ["-9223372036854775808", "9223372036854775807"],
    "numeric": ["'NaN'", "'Infinity'", "'-Infinity'", "1.10", "1e-30", "-12345678901234567890.1234567890", "0"],
    "numeric(12, 2)": ["-9999999999.99", "0.01", "1000000", "'NaN'", "0", "-0.10", "10000"],
    "numeric(38, 10)": ["1234567890123456789012345678.0000000001", "-0.0000000001", "-9999999999999999999999999999"],
    "numeric(38, 0)": ["99999999999999999999999999999999999999", "-10000000000000000000000000000000000000"],
    "numeric(38, 38)": ["0.99999999999999999999999999999999999999", "-0.00000000000000000000000000000000000001"],
    "numeric(5, 5)": ["0.00001", "-0.99999", "0.1"],
    "numeric(39, 1)": ["1.5"],
    "numeric(3, -2)": ["12300"],
    "numeric(2, 4)": ["0.0012"],
    "real": ["'NaN'", "'-Infinity'", "3.4028235e38", "1e-45", "0.1"],
    "double precision": ["'NaN'", "'Infinity'", "'-0'", "5e-324", "0.1", "1e23"],
    "boolean": ["true", "false"],
    "text": ["''", "E'a\\tb\\n\"\\\\.'", "'NULL'", "'ü😀'", "repeat('long ', 30000)"],
    "varchar(5)": ["'ab '"],
    "char(4)": ["'ab'"],
    '"char"': ["'x'", "''", "'\\200'"],
    "name": ["'a name'"],
    "bytea": ["''", "'\\x00ff5c'", "convert_to(repeat('bytes', 20000), 'utf8')"],
    "json": ["""'{"b":1,  "b":2}'""", "'null'"],
    "jsonb": ["""'{"b": [1, null], "a": "ü"}'""", "'1.50'"],
    "uuid": ["'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"],
    "date": ["'infinity'", "'-infinity'", "'4713-01-01 BC'", "'0044-03-15 BC'", "'0001-01-01'", "'9999-12-31'",
             "'10000-01-01'", "'5874897-12-31'", "'2000-02-29'", "'1600-02-29'", "'0001-12-31 BC'", "'0005-02-29 BC'"],
    "time": ["'24:00'", "'23:59:59.999999'", "'00:00'"],
    "timetz": ["'24:00+02'", "'12:00:00.5-15:59'"],
    "timestamp": ["'infinity'", "'-infinity'", "'4713-01-01 00:00 BC'", "'0001-12-31 23:59:59.5 BC'",
                  "'1969-12-31 23:59:59.999999'", "'9999-12-31 23:59:59.999999'", "'10000-01-01'",
                  "'294276-12-31 23:59:59.999999'"],
    "timestamptz": ["'infinity'", "'-infinity'", "'0044-03-15 12:00:00.000001+00 BC'", "'2024-03-10 02:30:00.5-05'",
                    "'9999-12-31 23:59:59+00'", "'10000-01-01 00:00:00+00'", "'0001-01-01 00:00+00'"],
    "interval": ["'1 year 2 days 03:00'", "'-1 month 1 day -0.000001 s'", "'0'"],
    "mood": ["'so so'", "'good, \"really\"'", "'ü'"],
    "positive": ["7"],
    "price": ["12.30", "-0.05"],
    "humour": ["'so so'"],
    "words": ["'{a,NULL,\"b c\"}'"],
    "day": ["'infinity'", "'2024-01-01'"],
    "pair": ["ROW(1, 'x')", "ROW(NULL, NULL)", "ROW(NULL, 'a,\"b\"')"],
    "couple": ["ROW(1, 'x')"],
    "pair[]": ["ARRAY[ROW(1, 'x'), ROW(2, NULL)]::pair[]"],
    "int4range": ["'[1,5)'", "'empty'", "'(,)'"],
    "numrange": ["'[1.5,2.50]'"],
    "span": ["'[2024-01-01 00:00+00,infinity]'"],
    "datemultirange": ["'{[2024-01-01,2024-02-01),[2025-01-01,)}'", "'{}'"],
    "integer[]": ["'{}'", "'{1,NULL,3}'", "'[0:1]={1,2}'", "'{{1,2},{3,4}}'", "'[-1:0][2:3]={{1,2},{3,4}}'"],
    "text[]": ["'{\"\",NULL,\"NULL\",\"a,b\",\"{\"}'"],
    "mood[]": ["'{\"so so\"}'"],
    "numeric(6, 2)[]": ["'{1.50,NaN}'"],
    "timestamptz[]": ["'{infinity,2024-01-01 00:00+02}'"],
    "bytea[]": ["ARRAY['\\x00ff'::bytea]"],
    "inet": ["'10.0.0.1'", "'10.0.0.1/8'", "'::1'"],
    "cidr": ["'10.0.0.0/8'"],
    "macaddr": ["'08:00:2b:01:02:03'"],
    "macaddr8": ["'08:00:2b:01:02:03:04:05'"],
    "bit(3)": ["B'101'"],
    "varbit": ["B''", "B'10'"],
    "money": ["'-1234.50'"],
    "hstore": ["'a=>1, b=>NULL, \"c d\"=>\"\"'"],
    "xml": ["'<a b=\"1\">ü</a>'"],
    "tsvector": ["to_tsvector('simple', 'the quick fox')"],
    "tsquery": ["'a & !b'"],
    "jsonpath": ["'$.a[*] ? (@ > 1)'"],
    "point": ["'(1.5,-0)'"],
    "polygon": ["'((0,0),(1,1),(1,0))'"],
    "geometry": ["'0101000000000000000000F03F0000000000000040'"],
    "pg_lsn": ["'16/B374D848'"],
    "xid": ["'4294967295'"],
    "xid8": ["'18446744073709551615'"],
    "tid": ["'(1,2)'"],
    "oid": ["4294967295"],
    "regclass": ["'pg_catalog.pg_class'"],
    "regtype": ["'mood'"],
    "int2vector": ["'1 2'"],
}  # fmt: skip
ATTRIBUTES = """
SELECT attname::text, atttypid::int8, atttypmod FROM pg_attribute
WHERE attrelid = 'public.t'::regclass AND attnum > 1 ORDER BY attnum
"""
ROWS = max(map(len, VALUES.values()))


@pytest.fixture(params=VERSIONS)
def typed(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Iterator[Source]:
    """A database with the types, on the embedded server and on each other one that the machine has."""
    if request.param == EMBEDDED:
        with database(settings, request.getfixturevalue("admin_dsn")) as source:
            source.run(*MADE)
            yield source
        return
    with running(INSTALLED[request.param], tmp_path) as dsn, database(settings, dsn) as source:
        source.run(*MADE)
        yield source


def values_of(source: Source) -> dict[str, list[str]]:
    """Give the values of the types that the server has; the embedded one is built without XML."""
    has_xml = source.rows("SELECT current_setting('server_version_num')::integer < 180000")[0][0]
    return {kind: literals for kind, literals in VALUES.items() if has_xml or kind != "xml"}


def fill(source: Source, first: int) -> None:
    """Write a row for each place in the lists of values, and one of nulls."""
    for place in range(ROWS):
        listed = values_of(source).values()
        values = [literals[place] if place < len(literals) else "NULL" for literals in listed]
        source.run(f"INSERT INTO t VALUES ({first + place}, {', '.join(values)})")
    source.run(f"INSERT INTO t VALUES ({first + ROWS})")


def said(array: pa.Array | pa.ChunkedArray) -> list[str]:
    """Give the values so that NaN equals NaN, and a minus before a zero is seen."""
    return [repr(value) for value in array.to_pylist()]


def written(source: Source) -> dict[str, pa.Array]:
    """Give each column as the source writes it, a row for each of ``fill``'s."""
    with connect(source.settings) as connection:
        result = connection.execute(f"SELECT * FROM public.t WHERE id <= {ROWS} ORDER BY id".encode()).pgresult
        assert result is not None
        texts = [[result.get_value(row, column) for row in range(result.ntuples)] for column in range(result.nfields)]
        names = [(result.fname(column) or b"").decode() for column in range(result.nfields)]
    return {
        name: pa.array([None if text is None else text.decode() for text in column], pa.string())
        for name, column in zip(names, texts, strict=True)
    }


def test_every_type_lands_from_a_copy_and_from_a_change_as_the_source_writes_it(typed: Source) -> None:
    landed = Landed(typed.settings)
    columns = ", ".join(f"c{number} {kind}" for number, kind in enumerate(values_of(typed)))
    typed.run(f"CREATE TABLE t (id integer PRIMARY KEY, {columns})")
    fill(typed, 0)
    landed.load()
    fill(typed, 100)
    landed.load()
    whole = pa.concat_tables(landed.batches["pg_public_t"], promote_options="permissive")
    copied, changed = whole.slice(0, ROWS + 1), whole.slice(ROWS + 1)
    texts = written(typed)
    with connect(typed.settings) as connection:
        rows = connection.execute(ATTRIBUTES).fetchall()
        described = [Kinds(connection).column(*row) for row in rows]  # type: ignore[arg-type]
    for column, kind in zip(described, values_of(typed), strict=True):
        expected = from_text(texts[column.name], column, "t")
        for name, array in expected.items():
            assert said(copied[name]) == said(changed[name]) == said(array), kind
        if column.beside is not None:
            assert (column.beside.name in expected) == (column.beside.name in whole.schema.names), kind
        if column.is_text:
            assert said(copied[column.name]) == said(texts[column.name]), kind


def test_the_compiled_loops_and_the_plain_ones_give_the_same(
    source: Source, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiling, "WORTH_COMPILING", 1)
    source.run(
        "CREATE TABLE t"
        " (id integer PRIMARY KEY, n numeric(38, 9), f real, at timestamptz, day date, note text, b bytea)",
        "INSERT INTO t SELECT i, (random() - 0.5) * power(10, i % 29)::numeric, random() * i,"
        " CASE WHEN i % 50 = 0 THEN 'infinity' ELSE '2024-01-01'::timestamptz + i * interval '1 hour 0.000001 s' END,"
        " CASE WHEN i % 70 = 0 THEN NULL ELSE '2024-01-01'::date - i * 1000 END, repeat('ü', i % 5),"
        " int4send(i) FROM generate_series(1, 2000) i",
    )
    landed.load()
    compiled = {row["id"]: row for row in landed.tables["pg_public_t"]}
    compiling.compiled.cache_clear()
    monkeypatch.setattr(compiling, "WORTH_COMPILING", 10**9)
    plain = Landed(source.settings.model_copy(update={"postgres_slot": f"{source.settings.postgres_slot}_2"}))
    plain.load()
    names = ("n", "f", "at", "at__text", "day", "day__text", "note", "b")
    for row in plain.tables["pg_public_t"]:
        assert [row[name] for name in names] == [compiled[row["id"]][name] for name in names]
    said = source.rows("SELECT id, n::text FROM t")
    assert {number: str(plain_n) for number, plain_n in said} == {
        number: str(row["n"]) for number, row in compiled.items()
    }
