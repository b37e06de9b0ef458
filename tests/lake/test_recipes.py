"""A recipe says all that it takes to build and to audit a table, and stays what it is when it is kept."""

from collections.abc import Iterator

import duckdb
import pytest

from lake.keys import Rule
from lake.recipes import Check, Found, Recipe, read_recipes, results_of, run_check, write_recipes

ORDERS = Recipe(
    name="silver.orders",
    table="orders_1",
    version="a_b",
    tables={"lake.bronze.orders": "lake.bronze.orders", "prices_2": "silver.prices"},
    query="SELECT * FROM (VALUES (1, 'ann@b.org'), (2, NULL)) AS t(order_id, email)",
    rule=Rule(
        ("order_id",),
        {"lake.bronze.orders": ("id",)},
        {"silver.prices": ("lake.bronze.orders", "amount > least AND amount <= most")},
    ),
    comments={"": "The shop's orders", "email": "Who ordered"},
    checks=(Check("not_null(columns=email)", True, "SELECT * FROM orders_1 WHERE email IS NULL", ("gold.orders",)),),
)
SEED = Recipe("silver.currencies", "currencies_1", "c", {}, "", None, {}, ())


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        made.execute("CREATE SCHEMA boathouse")
        yield made


def test_kept_recipes_are_the_same_in_the_same_order(connection: duckdb.DuckDBPyConnection) -> None:
    write_recipes(connection, [SEED, ORDERS])
    assert list(read_recipes(connection).values()) == [SEED, ORDERS]
    assert ORDERS.inputs == {"lake.bronze.orders", "silver.prices"}


def test_what_an_older_version_kept_is_no_recipe(connection: duckdb.DuckDBPyConnection) -> None:
    assert read_recipes(connection) == {}
    write_recipes(connection, [ORDERS])
    connection.execute('UPDATE boathouse.recipes SET recipe = \'{"name": "silver.orders"}\'')
    assert read_recipes(connection) == {}


def test_a_table_is_made_with_its_words(connection: duckdb.DuckDBPyConnection) -> None:
    for _ in range(2):
        ORDERS.make(connection)
    rows = connection.execute("SELECT order_id, email FROM orders_1 ORDER BY 1").fetchall()
    assert rows == [(1, "ann@b.org"), (2, None)]
    assert connection.execute("SELECT comment FROM duckdb_tables() WHERE table_name = 'orders_1'").fetchone() == (
        "The shop's orders",
    )
    words = connection.execute("SELECT comment FROM duckdb_columns() WHERE column_name = 'email'").fetchone()
    assert words == ("Who ordered",)


def test_an_audit_counts_its_offenders_and_shows_their_form(connection: duckdb.DuckDBPyConnection) -> None:
    ORDERS.make(connection)
    found = run_check(connection, ORDERS.checks[0])
    assert found == Found(1, True, '[{"order_id":"9","email":null}]')
    [result] = results_of(connection, {"silver.orders": "orders_1"}, {("silver.orders", "not_null"): found})
    assert (result.rows, result.offenders, result.passed) == (2, 1, False)
