"""Every kind of metric equals plain SQL at every grain, over sales with gaps, in two currencies, of three years."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lake.errors import QueryError, SettingError
from lake.measures import measure, unit_of
from lake.metric_columns import check_columns
from lake.metrics import Metric, load_metrics
from lake.models import Column, Model
from lake.periods import GRAINS

FIRST, LAST = date(2023, 11, 7), date(2025, 3, 19)
SAME = "description: d, owner: o, better: higher"
SALES = "table: gold.sales, time: day, dimensions: [currency]"
DEFINITIONS = f"""
metrics:
  sold: {{{SAME}, unit: currency, measure: sum(amount), {SALES}}}
  sales: {{{SAME}, unit: sales, measure: count(*), {SALES}}}
  buyers: {{{SAME}, unit: buyers, measure: count(DISTINCT buyer), {SALES}}}
  big: {{{SAME}, unit: sales, measure: count(*), filter: amount > 50, {SALES}}}
  average: {{{SAME}, unit: currency, ratio: {{numerator: sold, denominator: sales}}}}
  big_share: {{{SAME}, unit: percent, ratio: {{numerator: big, denominator: sales}}}}
  sold_to_date: {{{SAME}, unit: currency, cumulative: sold}}
  sales_to_date: {{{SAME}, unit: sales, cumulative: sales}}
  buyers_to_date: {{{SAME}, unit: buyers, cumulative: buyers}}
  stock: {{{SAME}, unit: items, measure: sum(left_over), closing: true, {SALES.replace("sales", "stock")}}}
  full: {{{SAME}, unit: items, measure: count(DISTINCT sku), filter: left_over > 50, closing: true,
    {SALES.replace("sales", "stock")}}}
  sold_change: {{{SAME}, unit: percent, change: {{of: sold, since: previous_period}}}}
  sold_year: {{{SAME}, unit: percent, change: {{of: sold, since: previous_year}}}}
  buyers_change: {{{SAME}, unit: percent, change: {{of: buyers, since: previous_period}}}}
"""
# What each metric is over the days between two others, as one would write it by hand.
PLAIN = {
    "sold": "SELECT coalesce(sum(amount), 0) FROM gold.sales WHERE day BETWEEN $a AND $b",
    "sales": "SELECT count(*) FROM gold.sales WHERE day BETWEEN $a AND $b",
    "buyers": "SELECT count(DISTINCT buyer) FROM gold.sales WHERE day BETWEEN $a AND $b",
    "big": "SELECT count(*) FROM gold.sales WHERE amount > 50 AND day BETWEEN $a AND $b",
    "average": "SELECT round(sum(amount) / count(*), 2) FROM gold.sales WHERE day BETWEEN $a AND $b",
    "big_share": "SELECT round(100.0 * count(*) FILTER (amount > 50) / count(*), 2) FROM gold.sales"
    " WHERE day BETWEEN $a AND $b HAVING count(*) > 0",
    "sold_to_date": "SELECT coalesce(sum(amount), 0) FROM gold.sales WHERE $a IS NOT NULL AND day <= $b",
    "sales_to_date": "SELECT count(*) FROM gold.sales WHERE $a IS NOT NULL AND day <= $b",
    "buyers_to_date": "SELECT count(DISTINCT buyer) FROM gold.sales WHERE $a IS NOT NULL AND day <= $b",
    "stock": "SELECT coalesce(sum(left_over), 0) FROM gold.stock WHERE $a IS NOT NULL"
    " AND day = (SELECT max(day) FROM gold.stock WHERE day <= $b)",
    "full": "SELECT count(DISTINCT sku) FROM gold.stock WHERE $a IS NOT NULL AND left_over > 50"
    " AND day = (SELECT max(day) FROM gold.stock WHERE day <= $b)",
}
CHANGES = {"sold_change": "sold", "sold_year": "sold", "buyers_change": "buyers"}


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Metric]:
    file = tmp_path_factory.mktemp("kinds") / "metrics.yaml"
    file.write_text(DEFINITIONS)
    return load_metrics(file)


@pytest.fixture(scope="module", params=[1997, 1998])
def gold(request: pytest.FixtureRequest) -> Iterator[duckdb.DuckDBPyConnection]:
    """Sales and a stock, drawn by lot: most days none, some days many."""
    lot = random.Random(request.param)
    days = [FIRST + timedelta(days=number) for number in range((LAST - FIRST).days + 1)]
    there = [FIRST, LAST, *(day for day in days if lot.random() < 0.1 and not 5 <= day.month <= 7)]
    sales = [
        (day, f"b{lot.randrange(40)}", Decimal(lot.randrange(1, 10_000)) / 100, "USD")
        for day in there
        for _ in range(lot.randrange(1, 5))
    ]
    stock = [(day, sku, lot.randrange(100), "USD") for day in there for sku in ("a", "b")]
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA gold")
        connection.execute("CREATE TABLE gold.sales (day DATE, buyer TEXT, amount DECIMAL(18, 2), currency TEXT)")
        connection.execute("CREATE TABLE gold.stock (day DATE, sku TEXT, left_over BIGINT, currency TEXT)")
        connection.executemany("INSERT INTO gold.sales VALUES (?, ?, ?, ?)", sales)
        connection.executemany("INSERT INTO gold.stock VALUES (?, ?, ?, ?)", stock)
        yield connection


def spans(gold: duckdb.DuckDBPyConnection, grain: str, start: date, end: date) -> list[tuple[date, date]]:
    """List the periods of a calendar as DuckDB has it: first and last day."""
    return gold.execute(
        f"SELECT DISTINCT a, (a + INTERVAL 1 {grain})::DATE - 1 FROM (SELECT date_trunc('{grain}', d)::DATE AS a"
        " FROM (SELECT unnest(generate_series($a::DATE, $b::DATE, INTERVAL 1 DAY)) AS d)) ORDER BY a",
        {"a": start, "b": end},
    ).fetchall()


def bounds(gold: duckdb.DuckDBPyConnection, condition: str) -> tuple[date, date]:
    """A series that nobody bounds begins and ends with the data."""
    found = gold.execute(f"SELECT min(day), max(day) FROM gold.sales WHERE {condition}").fetchone()
    assert found is not None
    return found[0], found[1]


def plain(gold: duckdb.DuckDBPyConnection, name: str, a: date, b: date) -> Any:
    row = gold.execute(PLAIN[name], {"a": a, "b": b}).fetchone()
    return None if row is None or row[0] is None else Decimal(str(row[0]))


def values(gold: duckdb.DuckDBPyConnection, metric: Metric, grain: str, **days: Any) -> list[tuple[Any, Any]]:
    points = measure(gold, metric, grain, **days)
    return [(point.time, None if point.value is None else Decimal(point.value)) for point in points]


@pytest.mark.parametrize("grain", GRAINS)
@pytest.mark.parametrize("name", PLAIN)
def test_a_metric_is_what_plain_sql_says_of_each_period(
    gold: duckdb.DuckDBPyConnection, metrics: dict[str, Metric], name: str, grain: str
) -> None:
    start, end = bounds(gold, "amount > 50" if name == "big" else "true")
    expected = [(a, plain(gold, name, a, b)) for a, b in spans(gold, grain, start, end)]
    assert values(gold, metrics[name], grain) == expected


@pytest.mark.parametrize("grain", GRAINS)
@pytest.mark.parametrize("name", PLAIN)
def test_only_the_days_that_are_asked_for_count(
    gold: duckdb.DuckDBPyConnection, metrics: dict[str, Metric], name: str, grain: str
) -> None:
    start, end = date(2024, 4, 10), date(2025, 4, 20)  # the gap of summer in it, and a month after the last sale
    periods = spans(gold, grain, start, end)
    expected = [(a, plain(gold, name, max(a, start), min(b, end))) for a, b in periods]
    assert values(gold, metrics[name], grain, start=start, end=end) == expected


@pytest.mark.parametrize("grain", GRAINS)
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_compares_whole_periods(
    gold: duckdb.DuckDBPyConnection, metrics: dict[str, Metric], name: str, grain: str
) -> None:
    back = "364 DAY" if grain == "week" else "1 YEAR"
    step = back if name == "sold_year" else f"1 {grain}"
    start, end = date(2024, 10, 10), date(2025, 3, 20)
    expected = []
    for a, b in spans(gold, grain, start, end):
        row = gold.execute(
            f"SELECT ($a - INTERVAL {step})::DATE, (($a - INTERVAL {step}) + INTERVAL 1 {grain})::DATE - 1", {"a": a}
        ).fetchone()
        assert row is not None
        before, now = plain(gold, CHANGES[name], *row), plain(gold, CHANGES[name], a, b)
        expected.append((a, round(100 * (now - before) / before, 2) if before else None))
    found = values(gold, metrics[name], grain, start=start, end=end)
    assert [time for time, _ in found] == [time for time, _ in expected]
    assert [value for _, value in found] == pytest.approx([value for _, value in expected], abs=Decimal("0.01"))


def test_without_a_grain_a_change_compares_the_days_with_as_many_before(
    gold: duckdb.DuckDBPyConnection, metrics: dict[str, Metric]
) -> None:
    now = plain(gold, "sold", date(2024, 2, 1), date(2024, 2, 29))
    before = plain(gold, "sold", date(2024, 1, 3), date(2024, 1, 31))
    (point,) = measure(gold, metrics["sold_change"], None, date(2024, 2, 1), date(2024, 2, 29))
    assert point.value == round(100 * (now - before) / before, 2)
    (point,) = measure(gold, metrics["sold_change"])
    assert point.value is None


def test_amounts_of_two_currencies_are_never_added_up(metrics: dict[str, Metric]) -> None:
    with duckdb.connect() as two:
        two.execute("CREATE SCHEMA gold")
        two.execute("CREATE TABLE gold.sales (day DATE, buyer TEXT, amount DECIMAL(18, 2), currency TEXT)")
        two.execute("INSERT INTO gold.sales VALUES ('2024-01-01', 'b', 1, 'EUR'), ('2024-01-01', 'b', 1, 'USD')")
        for name in ("sold", "average", "sold_to_date", "sold_change"):
            with pytest.raises(QueryError, match="EUR, USD, which don't add up; ask with dimension=currency"):
                unit_of(two, metrics[name], None)
            unit_of(two, metrics[name], "currency")
        assert unit_of(two, metrics["buyers"], None) == "buyers"


TABLE = Model(
    "gold.sales",
    "models/gold/sales.sql",
    tuple(Column(name, kind, "") for name, kind in (("day", "DATE"), ("buyer", "TEXT"), ("amount", "DECIMAL(18, 2)"))),
    ("day",),
    frozenset(),
    frozenset(),
)
COUNT = f"{SAME}, unit: sales, table: gold.sales, time: day, measure: count(*)"


@pytest.mark.parametrize(
    ("definition", "reason"),
    [
        (COUNT.replace("gold.sales", "gold.sails"), "there is no table gold.sails"),
        (COUNT.replace("count(*)", "sum(amounts)"), "gold.sales has no column amounts"),
        (COUNT.replace("time: day", "time: date"), "gold.sales has no column date"),
        (COUNT.replace("time: day", "time: buyer"), "its time buyer is no date"),
        (COUNT + ", filter: colour = 'red'", "gold.sales has no column colour"),
        (COUNT + ", dimensions: [city]", "gold.sales has no column city"),
        (COUNT.replace("unit: sales", "unit: currency"), "gold.sales has no column currency"),
    ],
)
def test_a_definition_that_names_what_is_not_there_is_refused(tmp_path: Path, definition: str, reason: str) -> None:
    file = tmp_path / "metrics.yaml"
    file.write_text(f"metrics: {{a: {{{definition}}}}}")
    with pytest.raises(SettingError, match=reason):
        check_columns(load_metrics(file), {"gold.sales": TABLE})
    file.write_text(f"metrics: {{a: {{{COUNT}, filter: amount > 1, dimensions: [buyer]}}}}")
    check_columns(load_metrics(file), {"gold.sales": TABLE})
