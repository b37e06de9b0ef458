"""Contracts: every rule is tried on every row, and says so whether it holds or not."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from lake.audits import AuditResult
from lake.contracts import check_rows, gold_contract
from lake.contracts.bronze import changes_contract, documents_contract
from lake.models import Column, Model

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ORDERS = Model(
    name="gold.orders",
    file="models/gold/orders.sql",
    columns=(
        Column("order_id", "TEXT", ""),
        Column("day", "DATE", ""),
        Column("email", "TEXT", ""),
        Column("amount", "DECIMAL(18, 2)", ""),
        Column("currency", "TEXT", ""),
    ),
    grain=("order_id",),
    required=frozenset({"order_id", "currency"}),
    reads=frozenset(),
)


def document(**other: Any) -> dict[str, Any]:
    return {
        "id": "1",
        "version": "2026-01-01T12:00:00Z",
        "payload_is_object": True,
        "_op": "upsert",
        "_lane": "poll",
        "_api_version": "2025-10",
        "_received_at": NOON,
        "_load_id": "load",
    } | other


def documents(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema_overrides={"_received_at": pl.Datetime("us", "UTC"), "id": pl.String})


def order(number: int, **other: Any) -> dict[str, Any]:
    plain = {"order_id": str(number), "day": date(2026, 1, 1), "email": "ann@b.org", "currency": "USD"}
    return plain | {"amount": Decimal("1.00")} | other


def orders(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows)).with_columns(pl.col("amount").cast(pl.Decimal(18, 2)))


def broken(results: list[AuditResult]) -> dict[str, int]:
    return {result.audit: result.offenders for result in results if not result.passed}


def test_documents_as_they_should_be_pass_every_rule_and_each_rule_says_so() -> None:
    results = check_rows(documents_contract("shopify_orders"), [documents(document(), document(id="2"))], ("load",))
    assert len(results) == 14
    assert all(one.passed and one.rows == 2 and one.kind == "contract" and one.loads == ("load",) for one in results)
    assert {one.severity for one in results} == {"block", "warn"}


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"id": None}, "not_null(id)"),
        ({"id": ""}, "str_length(id)"),
        ({"version": ""}, "str_length(version)"),
        ({"payload_is_object": False}, "equal_to(payload_is_object)"),
        ({"_op": "merge"}, "isin(_op)"),
        ({"_received_at": None}, "not_null(_received_at)"),
        ({"_lane": "pigeon"}, "isin(_lane)"),
    ],
)
def test_a_document_that_is_wrong_breaks_one_rule_once(wrong: dict[str, Any], rule: str) -> None:
    results = check_rows(documents_contract("shopify_orders"), [documents(document(), document(**wrong))])
    assert broken(results) == {rule: 1}


def test_offenders_are_counted_over_all_batches_and_shown_by_their_form() -> None:
    batches = [documents(document(_op=f"merge{number}")) for number in range(5)]
    results = check_rows(documents_contract("shopify_orders"), batches)
    (wrong,) = [one for one in results if not one.passed]
    assert (wrong.rows, wrong.offenders, wrong.sample) == (5, 5, '[{"_op":"xxxxx9"}]')


def test_a_contract_without_rows_passes_vacuously() -> None:
    results = check_rows(documents_contract("shopify_orders"), [documents(document()).clear()])
    assert all(one.passed and one.vacuous for one in results)


def test_changes_must_have_their_place_and_the_columns_that_models_read() -> None:
    rows = pl.DataFrame(
        {"sku": ["a", "b"], "_op": ["c", "x"], "_commit_lsn": [5, -1], "_ordinal": [0, 1], "_load_id": ["l", "l"]}
    ).with_columns(pl.lit(NOON).dt.cast_time_unit("us").alias("_commit_at"))
    results = check_rows(changes_contract("pg_shop_stock"), [rows])
    assert broken(results) == {"schema": 2, "isin(_op)": 1, "greater_than_or_equal_to(_commit_lsn)": 1}
    assert broken(check_rows(changes_contract("pg_public_unknown"), [rows.head(1)])) == {}


def test_gold_must_have_just_the_columns_types_and_keys_of_its_model() -> None:
    contract = gold_contract(ORDERS)
    assert broken(check_rows(contract, [orders(order(1), order(2))])) == {}
    assert broken(check_rows(contract, [orders(order(1), order(1))])) == {"unique(order_id)": 2}
    assert broken(check_rows(contract, [orders(order(1, currency=None), order(2))])) == {"not_null(currency)": 1}
    assert broken(check_rows(contract, [orders(order(1)).drop("day")])) == {"schema": 1}
    assert broken(check_rows(contract, [orders(order(1)).with_columns(surplus=1)])) == {"schema": 1}
    wide = orders(order(1)).with_columns(pl.col("amount").cast(pl.Decimal(22, 2)))
    assert broken(check_rows(contract, [wide])) == {"schema": 1}


def test_what_gold_holds_must_be_sane_and_nothing_of_a_person_is_shown() -> None:
    rows = [order(1, currency="usd"), order(2, amount=Decimal(10**13)), order(3, email="Ann Bo"), order(4)]
    results = check_rows(gold_contract(ORDERS), [orders(*rows)])
    assert broken(results) == {"str_matches(currency)": 1, "in_range(amount)": 1, "str_contains(email)": 1}
    (mail,) = [one for one in results if one.audit == "str_contains(email)"]
    assert (mail.severity, mail.sample) == ("warn", '[{"email":"xxx xx"}]')
