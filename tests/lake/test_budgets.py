"""Diff budgets: what closed days may move, by arithmetic over two days."""

from datetime import date
from decimal import Decimal

import duckdb
import msgspec

from lake.budgets import Days, days_of, judge
from lake.metrics import load_metrics

REVENUE = msgspec.structs.replace(load_metrics()["net_revenue"], budget=0.02)
FIRST, SECOND = date(1997, 1, 1), date(1997, 1, 2)


def days(first: str, second: str, currency: str = "USD") -> Days:
    return {(currency, FIRST): Decimal(first), (currency, SECOND): Decimal(second)}


def test_two_percent_of_all_closed_days_may_move() -> None:
    assert judge(REVENUE, days("50", "50"), days("51", "49")).passed
    over = judge(REVENUE, days("50", "50"), days("51", "48.99"))
    assert (over.passed, over.blocking, over.kind) == (False, True, "budget")
    assert (over.rows, over.offenders) == (2, 2)
    assert over.sample == "1997-01-01: 50 -> 51 USD; 1997-01-02: 50 -> 48.99 USD"


def test_revenue_that_only_changes_its_day_has_moved() -> None:
    assert not judge(REVENUE, days("60", "40"), days("40", "60")).passed


def test_a_day_that_vanished_or_appeared_has_moved() -> None:
    gone = {("USD", FIRST): Decimal(100)}
    assert not judge(REVENUE, days("100", "10"), gone).passed
    assert not judge(REVENUE, gone, days("100", "10")).passed


def test_each_currency_has_the_budget_for_itself() -> None:
    steady = days("1000", "1000")
    moved = judge(REVENUE, steady | days("10", "10", "EUR"), steady | days("10", "11", "EUR"))
    assert (moved.passed, moved.offenders, moved.sample) == (False, 1, "1997-01-02: 10 -> 11 EUR")


def test_without_closed_days_there_is_nothing_to_compare() -> None:
    vacuous = judge(REVENUE, {}, days("1", "1"))
    assert vacuous.passed
    assert vacuous.vacuous


def test_a_history_of_many_days_and_currencies_is_compared_too() -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA gold")
        connection.execute(
            "CREATE TABLE gold.fact_orders AS SELECT day AS order_date, 10::DECIMAL(18, 2) AS net_amount, currency "
            "FROM (VALUES (DATE '1970-01-01'), (DATE '2026-01-01')) AS days(day), "
            "(VALUES ('EUR'), ('USD')) AS currencies(currency)"
        )
        found = days_of(connection, REVENUE, date(2025, 12, 31))
    assert found == {("EUR", date(1970, 1, 1)): Decimal(10), ("USD", date(1970, 1, 1)): Decimal(10)}
