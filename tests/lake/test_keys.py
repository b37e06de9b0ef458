"""A model that is built by key is asked for the affected keys alone, whichever input they come from."""

from collections.abc import Iterator

import duckdb
import pytest
from sqlglot import exp, parse_one

from lake.keys import Rule, Source, cut_down, is_affected, joined_news, latest_news, write_keys

INVOICES = Rule(
    ("invoice_id",),
    {"silver.invoices": ("invoice_id",), "silver.lines": ("invoice_id",)},
    {
        "silver.prices": ("silver.lines", "price_id"),
        "silver.spans": ("silver.lines", "amount >= least AND amount <= most"),
    },
)
TABLES = {"silver.invoices": "silver.invoices", "silver.lines": "silver.lines", "silver.prices": "silver.prices"}
QUERY = """
SELECT lines.invoice_id, lines.amount, prices.name
FROM silver.lines AS lines
JOIN silver.invoices AS invoices ON invoices.invoice_id = lines.invoice_id
LEFT JOIN silver.prices AS prices ON prices.price_id = lines.price_id
"""
ORDERS = Rule(("order_id",), {"lake.bronze.orders": ("UPPER(id)",)}, {})
LATEST = """
WITH documents AS (
  SELECT orders.id, orders.payload FROM lake.bronze.orders AS orders WHERE NOT orders.id IS NULL
  QUALIFY ROW_NUMBER() OVER (PARTITION BY orders.id ORDER BY orders.version DESC) = 1 AND orders._op <> 'delete'
)
SELECT UPPER(id) AS order_id, payload FROM documents
"""


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        made.execute(
            "CREATE SCHEMA silver; ATTACH ':memory:' AS lake; CREATE SCHEMA lake.bronze; CREATE SCHEMA lake.news;"
            "CREATE TABLE silver.invoices AS FROM (VALUES ('a'), ('b'), ('c')) AS t(invoice_id);"
            "CREATE TABLE silver.lines AS FROM (VALUES ('a', 1, 'p'), ('b', 2, 'p'), ('b', 3, 'q'), ('c', 4, NULL)) "
            "AS t(invoice_id, amount, price_id);"
            "CREATE TABLE silver.prices AS FROM (VALUES ('p', 'Pear'), ('q', 'Quince')) AS t(price_id, name);"
            "CREATE TABLE changed AS FROM silver.prices WHERE price_id = 'q';"
            "CREATE TABLE lake.news.orders AS FROM (VALUES ('x', 2, 'new', 'upsert'), ('y', 1, 'late', 'upsert'), "
            "('z', 3, '', 'delete')) AS t(id, version, payload, _op);"
            "CREATE TABLE lake.bronze.orders AS FROM (VALUES ('x', 1, 'old', 'upsert'), ('y', 2, 'stays', 'upsert'), "
            "('z', 1, 'gone', 'upsert')) AS t(id, version, payload, _op) UNION ALL FROM lake.news.orders;"
        )
        yield made


def parsed(sql: str) -> exp.Query:
    query = parse_one(sql, dialect="duckdb")
    assert isinstance(query, exp.Query)
    return query


def keys(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [key for (key,) in connection.execute("SELECT key_0 FROM affected ORDER BY 1").fetchall()]


def test_an_input_without_the_key_affects_those_whom_it_is_joined_to(connection: duckdb.DuckDBPyConnection) -> None:
    write_keys(connection, [joined_news(INVOICES, "silver.prices", "changed", TABLES)])
    assert keys(connection) == ["b"]
    sources = {"silver.prices": Source("changed")}
    found = connection.execute(cut_down(connection, parsed(QUERY), INVOICES, sources, TABLES)).fetchall()
    assert sorted(found) == [("b", 2, "Pear"), ("b", 3, "Quince")]


def test_an_input_that_is_joined_by_a_condition_affects_those_that_meet_it(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    write_keys(connection, [joined_news(INVOICES, "silver.spans", "(SELECT 2 AS least, 3 AS most)", TABLES)])
    assert set(keys(connection)) == {"b"}


def test_a_key_that_is_null_is_a_key(connection: duckdb.DuckDBPyConnection) -> None:
    write_keys(connection, [("(SELECT NULL AS price_id UNION ALL SELECT 'q')", ("price_id",))])
    affected = is_affected(connection, ("price_id",))
    found = connection.execute(f"SELECT amount FROM silver.lines WHERE {affected} ORDER BY 1").fetchall()
    assert found == [(3,), (4,)]
    both = is_affected(connection, ("invoice_id", "price_id"))
    write_keys(connection, [("(SELECT 'c' AS invoice_id, NULL::TEXT AS price_id)", ("invoice_id", "price_id"))])
    assert connection.execute(f"SELECT amount FROM silver.lines WHERE {both}").fetchall() == [(4,)]


def test_of_new_documents_only_those_count_that_outdo_the_old_ones(connection: duckdb.DuckDBPyConnection) -> None:
    made: dict[str, str] = {}
    columns = ["id", "version", "payload", "_op"]
    source = latest_news(connection, parsed(LATEST), ORDERS, "orders", columns, made)
    assert source.complete
    assert connection.execute(f"SELECT id, payload FROM {source.rows} ORDER BY 1").fetchall() == [
        ("x", "new"),
        ("z", ""),
    ]
    assert latest_news(connection, parsed(LATEST), ORDERS, "orders", columns, made) == source

    write_keys(connection, [(source.rows, ("UPPER(id)",))])
    assert keys(connection) == ["X", "Z"]
    tables = {"lake.bronze.orders": "lake.bronze.orders"}
    sql = cut_down(connection, parsed(LATEST), ORDERS, {"lake.bronze.orders": source}, tables)
    assert connection.execute(sql).fetchall() == [("X", "new")]


def test_a_key_that_no_news_holds_is_read_from_the_whole_table(connection: duckdb.DuckDBPyConnection) -> None:
    source = latest_news(connection, parsed(LATEST), ORDERS, "orders", ["id", "version", "payload", "_op"], {})
    write_keys(connection, [("(SELECT 'Y' AS id)", ("id",))])
    tables = {"lake.bronze.orders": "lake.bronze.orders"}
    sql = cut_down(connection, parsed(LATEST), ORDERS, {"lake.bronze.orders": source}, tables)
    assert connection.execute(sql).fetchall() == [("Y", "stays")]
