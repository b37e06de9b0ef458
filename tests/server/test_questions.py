"""Questions in SQL over the current release."""

import csv
import io
import json
from collections.abc import Callable

import duckdb
import pytest

from lake.catalogue import open_catalogue
from lake.errors import QueryError, ReleaseError, UnknownNameError
from lake.formats import render
from lake.gold import open_gold
from lake.questions import query
from lake.releases import current_release
from lake.settings import Settings
from tests.server import toy


def test_a_select_is_answered_from_the_current_release(shop: Settings) -> None:
    result = query(shop, "SELECT order_key, net_amount FROM gold.fact_orders WHERE units > 2 ORDER BY 1")
    assert (result.release_id, result.columns) == ("first", ("order_key", "net_amount"))
    assert [(key, str(amount)) for key, amount in result.rows] == [("o3", "30.00"), ("o4", "40.05")]


@pytest.mark.parametrize(
    "question",
    [
        "FROM fact_orders SELECT count(*)",
        "WITH big AS (SELECT * FROM fact_orders WHERE units > 1) SELECT count(*) + 2 FROM big",
        "SELECT count(*) FROM GOLD.Fact_Orders -- all of them",
        "SELECT 5 FROM range(1)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT max(i) FROM n",
    ],
)
def test_selects_of_many_shapes_are_answered(shop: Settings, question: str) -> None:
    assert query(shop, question).rows == [(5,)]


@pytest.mark.parametrize(
    "question",
    [
        "",
        ";",
        "SELECT 1; SELECT 2",
        "DROP VIEW gold.fact_orders",
        "INSERT INTO gold.fact_orders SELECT * FROM gold.fact_orders",
        "COPY (SELECT 1) TO '/tmp/out.csv'",
        "ATTACH ':memory:' AS other",
        "SET threads = 1",
        "PRAGMA version",
        "CALL enable_logging()",
        "EXPLAIN ANALYZE SELECT 1",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('*')",
        "SELECT * FROM duckdb_secrets()",
        "SELECT * FROM query('SELECT 1')",
        "SELECT current_setting('secret_directory')",
        "SELECT (SELECT max(content) FROM read_text('/etc/passwd'))",
        "SELECT \0",
        "SELEC 1",
    ],
)
def test_anything_but_one_select_over_gold_is_refused(shop: Settings, question: str) -> None:
    with pytest.raises(QueryError) as error:
        query(shop, question)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "table",
    ["gold.nope", "nope", "bronze.shopify_orders", "'/etc/passwd'", "information_schema.tables", "x.gold.fact_orders"],
)
def test_a_table_that_does_not_exist_lists_those_that_do(shop: Settings, table: str) -> None:
    with pytest.raises(UnknownNameError) as error:
        query(shop, f"SELECT * FROM {table}")
    assert error.value.known == [f"gold.{name}" for name in sorted(toy.whole_tables())]


def test_a_name_of_a_cte_is_known_only_where_it_is_in_scope(shop: Settings) -> None:
    with pytest.raises(UnknownNameError):
        query(shop, "SELECT * FROM (WITH inner_one AS (SELECT 1) SELECT * FROM inner_one), inner_one")


def test_wrong_sql_is_explained_in_duckdbs_words(shop: Settings) -> None:
    with pytest.raises(QueryError, match=r'"amount" not found.*Candidate bindings.*net_amount'):
        query(shop, "SELECT amount FROM gold.fact_orders")


def test_before_the_first_release_the_sentence_says_what_to_run(new_lake: Callable[[], Settings]) -> None:
    with pytest.raises(ReleaseError, match="just run"):
        query(new_lake(), "SELECT 1")


def test_even_unchecked_sql_reaches_nothing_but_gold(shop: Settings) -> None:
    release = current_release(open_catalogue(shop))
    assert release is not None
    connection = open_gold(shop, release)
    for statement in (
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM 's3://elsewhere/file.parquet'",
        "COPY (SELECT 1) TO '/tmp/out.csv'",
        "SET lock_configuration = false",
        "SET enable_external_access = true",
    ):
        with pytest.raises((duckdb.PermissionException, duckdb.InvalidInputException)):
            connection.execute(statement)
    connection.close()


COLUMNS = ("name", "amount", "name")
ROWS = [('Zoë, "Z"\x1b[31m', 1.5, None), ("=1+1", float("inf"), "b")]


def test_json_is_a_list_of_objects_that_any_parser_reads() -> None:
    assert json.loads(render(COLUMNS, ROWS, "json"), parse_constant=pytest.fail) == [
        {"name": 'Zoë, "Z"\x1b[31m', "amount": 1.5, "name:1": None},
        {"name": "=1+1", "amount": "inf", "name:1": "b"},
    ]


def test_csv_comes_back_as_it_was() -> None:
    read = list(csv.reader(io.StringIO(render(COLUMNS, ROWS, "csv"), newline="")))
    assert read == [["name", "amount", "name"], ['Zoë, "Z"\x1b[31m', "1.5", ""], ["=1+1", "inf", "b"]]


def test_a_table_counts_its_rows_and_sends_nothing_to_the_terminal() -> None:
    shown = render(COLUMNS, ROWS)
    assert "\x1b" not in shown
    assert shown.splitlines()[-1] == "(2 rows)"


def test_a_format_that_does_not_exist_lists_those_that_do() -> None:
    with pytest.raises(UnknownNameError, match="csv, json, table"):
        render(COLUMNS, ROWS, "xml")
