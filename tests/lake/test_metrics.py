"""Metrics: their definitions, and their arithmetic over five orders."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from lake.errors import QueryError, SettingError, UnknownNameError
from lake.measures import compile_metric, measure
from lake.metrics import find_metric, load_metrics
from lake.series import Point
from tests.server import toy

METRICS = load_metrics()
JANUARY, FEBRUARY, MARCH, APRIL = (date(2024, month, 1) for month in (1, 2, 3, 4))

INVENTORY = pa.schema(
    [("sku", pa.string()), ("inventory_date", pa.date32())]
    + [(name, pa.int64()) for name in ("received_units", "sold_units", "corrected_units", "closing_units")]
    + [("is_low", pa.bool_()), ("is_out", pa.bool_())]
)
# Two articles on two days: ten came and four were sold, then six; of the other twenty came and one was missing.
STOCK = [
    dict(zip(INVENTORY.names, row, strict=True))
    for row in (
        ("a", JANUARY, 10, 4, 0, 6, True, False),
        ("a", FEBRUARY, 0, 6, 0, 0, False, True),
        ("b", JANUARY, 20, 0, 0, 20, False, False),
        ("b", FEBRUARY, 0, 0, -1, 19, False, False),
    )
]


@pytest.fixture(scope="module")
def gold() -> Iterator[duckdb.DuckDBPyConnection]:
    """The toy shop's gold, in memory."""
    tables = {
        "fact_orders": (toy.ORDERS, [toy.order_row(order) for order in toy.FIVE_ORDERS]),
        "dim_customers": (toy.CUSTOMERS, toy.customer_rows()),
        "payment_reconciliation": (toy.RECONCILIATION, toy.reconciliation_rows()),
        "fact_inventory_daily": (INVENTORY, STOCK),
    }
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA gold")
    for name, (schema, rows) in tables.items():
        connection.register("incoming", pa.Table.from_pylist(rows, schema=schema))
        connection.execute(f"CREATE TABLE gold.{name} AS SELECT * FROM incoming")
    yield connection
    connection.close()


def measured(gold: duckdb.DuckDBPyConnection, name: str, **asked: Any) -> list[Point]:
    return measure(gold, METRICS[name], **asked)


OF_ALL_TIME = [
    ("orders", 5),
    ("customers", 3),
    ("units", 11),
    ("gross_revenue", Decimal("102.05")),
    ("net_revenue", Decimal("100.05")),
    ("average_order_value", Decimal("20.01")),
    ("new_customers", 3),
    ("chargeable_orders", 4),
    ("reconciled_orders", 3),
    ("stock_on_hand", 19),
    ("units_moved", 41),
    ("units_received", 30),
    ("low_stock_items", 1),
    ("stock_outs", 1),
]


@pytest.mark.parametrize(("name", "value"), OF_ALL_TIME)
def test_without_a_grain_a_metric_is_one_value_of_all_time(
    gold: duckdb.DuckDBPyConnection, name: str, value: int | Decimal
) -> None:
    assert measured(gold, name) == [Point(None, None, value)]


def test_there_are_metrics_of_every_part_of_the_business() -> None:
    assert len(METRICS) >= 25
    assert {metric.kind for metric in METRICS.values()} == {"measure", "closing", "ratio", "cumulative", "change"}
    assert {metric.owner for metric in METRICS.values()} == {"finance", "marketing", "operations"}


def test_what_is_made_of_other_metrics_follows_them(gold: duckdb.DuckDBPyConnection) -> None:
    assert measured(gold, "reconciliation_rate") == [Point(None, None, Decimal("75.00"))]
    assert measured(gold, "units_per_order") == [Point(None, None, Decimal("2.20"))]
    assert [p.value for p in measured(gold, "customers_to_date", grain="month")] == [1, 1, 1, 3]
    to_date = [p.value for p in measured(gold, "net_revenue_to_date", grain="month")]
    assert to_date == [Decimal(text) for text in ("30.00", "30.00", "30.00", "100.05")]
    assert [p.value for p in measured(gold, "net_revenue_change", grain="quarter")] == [None, Decimal("133.50")]
    assert [p.value for p in measured(gold, "orders_change", grain="month")] == [None, Decimal(-100), None, None]


def test_months_without_orders_are_zero(gold: duckdb.DuckDBPyConnection) -> None:
    assert [(p.time, p.value) for p in measured(gold, "net_revenue", grain="month")] == [
        (JANUARY, Decimal("30.00")),
        (FEBRUARY, Decimal("0.00")),
        (MARCH, Decimal("0.00")),
        (APRIL, Decimal("70.05")),
    ]


def test_a_ratio_of_a_month_without_orders_has_no_value(gold: duckdb.DuckDBPyConnection) -> None:
    values = [point.value for point in measured(gold, "average_order_value", grain="month")]
    assert values == [Decimal("15.00"), None, None, Decimal("23.35")]


@pytest.mark.parametrize(
    ("grain", "times", "customers"),
    [
        ("quarter", [JANUARY, APRIL], [1, 3]),
        ("year", [JANUARY], [3]),
        ("month", [JANUARY, FEBRUARY, MARCH, APRIL], [1, 0, 0, 3]),
    ],
)
def test_customers_are_counted_once_in_each_period(
    gold: duckdb.DuckDBPyConnection, grain: str, times: list[date], customers: list[int]
) -> None:
    points = measured(gold, "customers", grain=grain)
    assert [point.time for point in points] == times
    assert [point.value for point in points] == customers


def test_a_week_starts_on_monday(gold: duckdb.DuckDBPyConnection) -> None:
    points = measured(gold, "orders", grain="week", start=date(2024, 4, 3), end=date(2024, 4, 9))
    assert points == [Point(date(2024, 4, 1), None, 0), Point(date(2024, 4, 8), None, 1)]


def test_both_ends_of_a_range_are_included(gold: duckdb.DuckDBPyConnection) -> None:
    assert measured(gold, "orders", start=date(2024, 1, 1), end=date(2024, 1, 31)) == [Point(None, None, 2)]
    assert measured(gold, "orders", start=date(2024, 1, 2), end=date(2024, 1, 30)) == [Point(None, None, 0)]


def test_a_range_without_data_is_filled(gold: duckdb.DuckDBPyConnection) -> None:
    days = measured(gold, "units", grain="day", start=date(2020, 2, 28), end=date(2020, 3, 1))
    assert days == [
        Point(date(2020, 2, 28), None, 0),
        Point(date(2020, 2, 29), None, 0),
        Point(date(2020, 3, 1), None, 0),
    ]


def test_a_dimension_splits_each_period_into_all_its_values(gold: duckdb.DuckDBPyConnection) -> None:
    points = measured(gold, "orders", grain="quarter", dimension="order_status")
    assert points == [
        Point(JANUARY, "closed", 2),
        Point(JANUARY, "open", 0),
        Point(APRIL, "closed", 2),
        Point(APRIL, "open", 1),
    ]


def test_what_has_no_dimension_value_comes_last(gold: duckdb.DuckDBPyConnection) -> None:
    points = measured(gold, "new_customers", dimension="city")
    assert points == [Point(None, "Paris", 2), Point(None, None, 1)]


def test_a_range_of_too_many_days_is_refused(gold: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(QueryError, match="too many rows"):
        measured(gold, "orders", grain="day", start=date(1900, 1, 1), end=date(2199, 12, 31))


def test_a_name_that_does_not_exist_lists_those_that_do() -> None:
    with pytest.raises(UnknownNameError) as metric:
        find_metric(METRICS, "revenue")
    assert metric.value.known == sorted(METRICS)
    with pytest.raises(UnknownNameError) as grain:
        compile_metric(METRICS["orders"], grain="hour")
    assert "week" in grain.value.known
    with pytest.raises(UnknownNameError) as dimension:
        compile_metric(METRICS["orders"], dimension="city")
    assert "order_status" in dimension.value.known


DEFINED = "metrics: {a: {description: d, unit: u, owner: o, better: higher, table: gold.t, time: day, measure: count(*)"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("metrics: [", "can't be read"),
        ("orders: {}", "can't be read"),
        ("metrics: {a: {description: d}}", "missing required field"),
        (DEFINED + ", colour: red}}", "unknown field"),
        (DEFINED.replace("higher", "up") + "}}", "Invalid enum value"),
        (DEFINED.replace("gold.t", "bronze.t") + "}}", "it takes gold.<table>"),
        (DEFINED.replace("count(*)", "amount") + "}}", "aggregates nothing"),
        (DEFINED.replace("count(*)", "'sum('") + "}}", "isn't SQL"),
        (DEFINED.replace("count(*)", "count(*) FROM t; DROP TABLE t") + "}}", "isn't"),
        (DEFINED + ", dimensions: [value]}}", "can't be its time or a dimension"),
        (DEFINED + ", ratio: {numerator: a, denominator: a}}}", "either a measure or a ratio"),
        (DEFINED.replace("measure: count(*)", "ratio: {numerator: b, denominator: b}") + "}}", "names 'b'"),
    ],
)
def test_a_wrong_definition_is_one_sentence_that_names_it(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "metrics.yaml"
    file.write_text(text)
    with pytest.raises(SettingError, match=r"metrics\.yaml") as error:
        load_metrics(file)
    assert reason in str(error.value)
    assert "'a'" in str(error.value) or "can't be read" in reason
