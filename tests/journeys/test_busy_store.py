"""A store with refunds, discounts, five currencies, guests, subscriptions and disputes: gold is the sandbox's truth."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from infra.sandbox.recurring import movements
from infra.sandbox.selling.busy import open_shop
from infra.sandbox.statement import statement
from lake.warehouse import WAREHOUSE
from tests.journeys.conftest import User, leave

ORDERS, BUSY = 60, 240
Figures = dict[tuple[str, str], dict[str, Decimal]]


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    """What the sandbox says that it sold."""
    shop = open_shop(1997, ORDERS, BUSY)
    return statement(shop) | {"mrr": movements(shop)}


@pytest.fixture(scope="module")
def gold(
    tmp_path_factory: pytest.TempPathFactory, state_in: Callable[[Path], Path]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse of a user who has run that store once."""
    settings = {"sandbox_orders": str(ORDERS), "sandbox_busy": str(BUSY)}
    user = User(tmp_path_factory.mktemp("busy"), settings)
    state_in(user.state.state_dir)
    try:
        done = user.boathouse("run")
        assert done.returncode == 0, done.stdout + done.stderr
        with duckdb.connect(str(user.state.state_dir / WAREHOUSE), read_only=True) as connection:
            yield connection
    finally:
        leave(user)


def figures(rows: list[dict[str, Any]]) -> Figures:
    """Key rows by month and currency, and leave out what is zero."""
    found = {}
    for row in rows:
        month, currency, *_ = row.values()
        amounts = {name: Decimal(str(value)) for name, value in row.items() if name not in ("month", "currency")}
        kept = {name: value for name, value in amounts.items() if value}
        if kept:
            found[str(month)[:7], str(currency)] = kept
    return found


def asked(gold: duckdb.DuckDBPyConnection, measures: str, table: str, time: str = "day") -> Figures:
    """Sum measures of a table by month and currency."""
    month = f"date_trunc('month', {time})::DATE AS month"
    sql = f"SELECT {month}, currency, {measures} FROM {table} GROUP BY ALL"
    reader = gold.execute(sql).to_arrow_table()
    return figures(reader.to_pylist())


def sums(*names: str) -> str:
    return ", ".join(f"sum({name}) AS {name}" for name in names)


SALES = (
    f"sum(gross_revenue) AS gross, {sums('orders', 'refunds', 'discounts', 'returns', 'net_sales', 'tax', 'shipping')}"
)


def test_sales_are_the_truths_by_month_in_the_shops_money(gold: Any, truth: Any) -> None:
    expected = figures(truth["sales"])
    assert asked(gold, SALES, "gold.daily_shop") == expected
    assert sum(row.get("returns", 0) for row in expected.values()) > 0
    assert sum(row.get("discounts", 0) for row in expected.values()) > 0


def test_sales_are_the_truths_by_month_in_each_currency_that_customers_saw(gold: Any, truth: Any) -> None:
    expected = figures(truth["presentment"])
    assert asked(gold, SALES, "gold.daily_shop_presentment") == expected
    assert {currency for _, currency in expected} == {"USD", "EUR", "GBP", "CAD", "JPY"}


def test_charges_fees_and_refunds_are_the_truths(gold: Any, truth: Any) -> None:
    charged = (
        "count(*) FILTER (status = 'succeeded' AND is_captured) AS charges, sum(captured_amount) AS charged, "
        "count(*) FILTER (status = 'failed') AS failed"
    )
    found = asked(gold, charged, "gold.fact_payments", "payment_date")
    fees = asked(gold, "sum(fee) AS fees", "gold.fact_balance_transactions", "movement_date")
    zone = "timezone('America/New_York', timezone('UTC', created_at))"
    back = asked(gold, "count(*) AS given_back, sum(amount) AS refunded", "silver.stg_stripe_refunds", zone)
    expected = figures(truth["payments"])
    keys = found.keys() | fees.keys() | back.keys()
    assert {key: found.get(key, {}) | fees.get(key, {}) | back.get(key, {}) for key in keys} == expected


def test_payouts_are_the_truths_and_equal_their_movements(gold: Any, truth: Any) -> None:
    assert asked(gold, "sum(amount) AS paid_out", "gold.fact_payouts", "payout_date") == figures(truth["payouts"])
    assert gold.execute("SELECT DISTINCT status FROM gold.payout_reconciliation").fetchall() == [("reconciled",)]
    last = "SELECT closing_balance FROM gold.balance_reconciliation ORDER BY month DESC LIMIT 1"
    assert gold.execute(last).fetchone() == (Decimal("0.00"),)


def test_disputes_are_the_truths(gold: Any, truth: Any) -> None:
    zone = "timezone('America/New_York', timezone('UTC', created_at))"
    found = asked(gold, "count(*) AS disputes, sum(amount) AS disputed", "silver.stg_stripe_disputes", zone)
    assert found == figures(truth["disputes"])


def test_recurring_revenue_moves_as_the_truth_says(gold: Any, truth: Any) -> None:
    kinds = ("new", "expansion", "contraction", "churned", "reactivation")
    measures = ", ".join(f"sum({kind}_mrr) AS {kind}" for kind in kinds)
    found = asked(gold, f"{measures}, sum(mrr) AS mrr", "gold.mrr", "month")
    assert found == figures(truth["mrr"])
    assert {kind for row in found.values() for kind in row} == {*kinds, "mrr"}


def test_each_discount_took_off_what_the_truth_says(gold: Any, truth: Any) -> None:
    sql = (
        "SELECT title, orders, discount_amount FROM gold.discounts WHERE target = 'goods' AND orders > 0 ORDER BY title"
    )
    expected = sorted((row["title"], row["orders"], Decimal(row["amount"])) for row in truth["discounts"])
    assert gold.execute(sql).fetchall() == expected


@pytest.mark.parametrize(
    ("table", "name"), [("customer_cohorts", "cohorts"), ("customer_email_cohorts", "email_cohorts")]
)
def test_cohorts_are_as_large_as_the_truth_says(gold: Any, truth: Any, table: str, name: str) -> None:
    sql = f"SELECT strftime(cohort_month, '%Y-%m'), max(cohort_customers) FROM gold.{table} GROUP BY ALL ORDER BY ALL"
    assert gold.execute(sql).fetchall() == [(row["month"], row["customers"]) for row in truth[name]]


def test_what_bookkeeping_did_wrong_has_its_reason(gold: Any, truth: Any) -> None:
    shop = open_shop(1997, ORDERS, BUSY)
    numbers = [n for n in range(ORDERS, ORDERS + BUSY) if not shop.terms(n).test]
    wrong = {3: "missing", 7: "doubled", 11: "fee", 15: "timing", 19: "currency"}
    expected = sorted((f"#{1001 + n}", wrong[n % 20]) for n in numbers if n % 20 in wrong)
    sql = (
        "SELECT order_name, ledger_reason FROM gold.payment_reconciliation JOIN gold.fact_orders USING (order_id) "
        "WHERE ledger_reason IS NOT NULL ORDER BY ALL"
    )
    assert gold.execute(sql).fetchall() == expected
