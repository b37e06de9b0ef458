"""A transform gives the gold that bronze stands for, however often it runs and wherever it was killed."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from lake.environments import apply, plan
from lake.errors import AuditError, LockedError, ServiceError, UnknownNameError
from lake.settings import Settings
from lake.transforms import FailedAuditError, transform
from lake.warehouse import STATE, WAREHOUSE, gold_tables, read_gold
from tests.chaos.killing import kill_at, order

pytestmark = pytest.mark.filterwarnings("ignore:`json_encoders` is deprecated")  # SQLMesh, when it is imported
Warehouses = Callable[[str], Settings]
ProjectOf = Callable[..., Path]

SHOP = ("gid://shopify/Shop/1", "2026-01-01T00:00:00Z", {"name": "Shop", "ianaTimezone": "America/New_York"})


def gold_of(settings: Settings) -> dict[str, pa.Table]:
    return {table: read_gold(settings, table) for table in gold_tables()}


def tamper(settings: Settings) -> None:
    """Give the first order's row a name that nothing but building it again takes away."""
    with duckdb.connect(str(settings.state_dir / WAREHOUSE)) as connection:
        found = connection.execute("SELECT sql FROM duckdb_views() WHERE view_name = 'fact_orders'").fetchone()
        assert found is not None
        table = found[0].rpartition(" FROM ")[2].rstrip("; \n")
        connection.execute(f"UPDATE {table} SET order_name = 'tampered' WHERE order_id = '1'")


def names(settings: Settings) -> dict[str, str | None]:
    return {row["order_id"]: row["order_name"] for row in read_gold(settings, "fact_orders").to_pylist()}


def net_amounts(settings: Settings) -> dict[str, str]:
    orders = read_gold(settings, "fact_orders").to_pylist()
    return {row["order_id"]: str(row["net_amount"]) for row in orders}


def test_only_the_keys_that_changed_are_written(bronze: Any, warehouse_in: Warehouses, project_of: ProjectOf) -> None:
    settings, project = warehouse_in("kept"), project_of("gold.fact_orders")
    bronze.load("shopify_shop", [SHOP])
    bronze.load("shopify_orders", [order(1, "2026-01-01", "1.00"), order(2, "2026-01-02", "2.00")])
    transform(settings, bronze.pins(), project=project)
    tamper(settings)
    again = transform(settings, bronze.pins(), project=project)
    assert {audit.rows for audit in again.audits if audit.model == "gold.fact_orders"} == {2}
    assert names(settings) == {"1": "tampered", "2": None}

    deleted = ("gid://shopify/Order/2", "2026-01-05T00:00:00Z", None)
    bronze.load("shopify_orders", [deleted, order(3, "2025-12-01", "3.00")])
    transform(settings, bronze.pins(), project=project)
    assert names(settings) == {"1": "tampered", "3": None}

    transform(settings, bronze.pins(), project=project, anew=True)
    assert names(settings) == {"1": None, "3": None}


def test_a_transform_that_was_killed_gives_the_same_gold_the_next_time(
    bronze: Any, warehouse_in: Warehouses, built_warehouse_in: Warehouses
) -> None:
    killed, whole = built_warehouse_in("killed"), warehouse_in("whole")
    bronze.load("shopify_orders", [order(1, "2026-01-01", "1.00"), order(2, "2026-01-02", "2.00")])
    transform(killed, bronze.pins())
    bronze.load("shopify_orders", [order(1, "2026-01-01", "1.50", version="2026-01-05T00:00:00Z")])
    assert kill_at("transform.written", killed, bronze.pins(), hit=2)
    bronze.load("shopify_orders", [order(3, "2026-01-01", "3.00")])
    assert kill_at("transform.deleted", killed, bronze.pins(), hit=3)
    transform(killed, bronze.pins())
    transform(whole, bronze.pins())
    assert gold_of(killed) == gold_of(whole)


def test_news_are_built_without_reading_the_models_again(
    bronze: Any, warehouse_in: Warehouses, project_of: ProjectOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, project = warehouse_in("following"), project_of("gold.fact_orders")
    bronze.load("shopify_orders", [order(1, "2026-01-01", "1.00")])
    transform(settings, bronze.pins(), project=project)
    bronze.load("shopify_orders", [order(2, "2026-01-02", "2.00")])
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "sqlmesh", None)
        again = transform(settings, bronze.pins(), project=project)
    assert net_amounts(settings) == {"1": "1.00", "2": "2.00"}
    assert {audit.rows for audit in again.audits if audit.model == "gold.fact_orders"} == {2}


def test_a_model_that_only_changed_its_words_still_follows_bronze(
    bronze: Any, warehouse_in: Warehouses, project_of: ProjectOf
) -> None:
    settings, project = warehouse_in("reworded"), project_of("gold.fact_orders")
    bronze.load("shopify_orders", [order(1, "2026-01-01", "1.00")])
    transform(settings, bronze.pins(), project=project)
    model = project / "models" / "silver" / "stg_shopify_orders.sql"
    model.write_text(model.read_text().replace("/* Orders as", "/* The orders as"))
    for number in (2, 3):
        bronze.load("shopify_orders", [order(number, "2026-01-01", "1.00")])
        transform(settings, bronze.pins(), project=project)
        assert len(net_amounts(settings)) == number


def test_who_comes_second_is_told_so_and_changes_nothing(warehouse_in: Warehouses) -> None:
    settings = warehouse_in("busy")
    before = {file.name for file in settings.state_dir.iterdir()}
    hold = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", hold, str(settings.state_dir / WAREHOUSE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        for second in (transform, partial(plan, environment="dev"), partial(apply, environment="dev")):
            with pytest.raises(LockedError, match="Another process has"):
                second(settings, pins={})
        holder.communicate()
    assert {file.name for file in settings.state_dir.iterdir()} <= before | {WAREHOUSE, STATE}


@pytest.mark.parametrize("lost", [WAREHOUSE, STATE])
def test_a_lost_file_is_built_again(bronze: Any, warehouse_in: Warehouses, project_of: ProjectOf, lost: str) -> None:
    settings, project = warehouse_in("lost"), project_of("gold.fact_orders")
    bronze.load("shopify_orders", [order(1, "2026-01-01", "1.00")])
    transform(settings, bronze.pins(), project=project)
    (settings.state_dir / lost).unlink()
    bronze.load("shopify_orders", [order(2, "2026-01-02", "2.00")])
    transform(settings, bronze.pins(), project=project)
    assert net_amounts(settings) == {"1": "1.00", "2": "2.00"}


def test_without_any_bronze_gold_is_empty_and_every_audit_says_so(warehouse_in: Warehouses) -> None:
    settings = warehouse_in("empty")
    result = transform(settings, {})
    filled = {"silver.currencies", "silver.holidays", "silver.shop_ledger_state", "silver.stripe_mode"}
    assert {audit.model for audit in result.audits if audit.rows} == filled
    assert all(audit.passed for audit in result.audits if audit.blocking)
    assert {table.num_rows for table in gold_of(settings).values()} == {0}


def test_a_failed_audit_is_one_sentence_and_mended_bronze_passes_it(
    bronze: Any, warehouse_in: Warehouses, project_of: ProjectOf
) -> None:
    settings, project = warehouse_in("failed"), project_of("gold.fact_payments", "gold.fact_balance_transactions")
    charge = {
        "amount": 1000,
        "currency": "usd",
        "status": "succeeded",
        "created": 1767225600,
        "balance_transaction": "t",
    }
    movement = {"amount": 1000, "fee": 50, "net": 900, "currency": "usd", "created": 1767225600}
    bronze.load("stripe_charges", [("ch", "2026-01-01T00:00:00Z", charge)])
    bronze.load("stripe_balance_transactions", [("t", "2026-01-01T00:00:00Z", movement)])
    with pytest.raises(AuditError, match=r"^The audit forall\(.*\) of gold.fact_\w+ found 1 ") as caught:
        transform(settings, bronze.pins(), project=project)
    assert isinstance(caught.value, FailedAuditError)
    failed = {audit.model for audit in caught.value.audits if audit.blocking and not audit.passed}
    assert failed == {"gold.fact_balance_transactions", "gold.fact_payments"}

    bronze.load("stripe_balance_transactions", [("t", "2026-01-02T00:00:00Z", movement | {"net": 950})])
    transform(settings, bronze.pins(), project=project)
    assert [str(net) for net in read_gold(settings, "fact_payments")["net"].to_pylist()] == ["9.50"]


def test_a_value_that_does_not_cast_keeps_its_document_out_and_fails_nothing(
    bronze: Any, built_warehouse_in: Warehouses
) -> None:
    settings = built_warehouse_in("uncast")
    priceless, timeless, lineless = (order(number, "2026-01-01", "1.00") for number in (2, 3, 4))
    priceless[2]["totalPriceSet"] = {"shopMoney": {"amount": "a lot", "currencyCode": "USD"}}
    timeless[2].update(createdAt="soon", processedAt="soon")
    lineless[2]["lineItems"]["edges"][0]["node"]["quantity"] = "many"
    bronze.load("shopify_orders", [order(1, "2026-01-01", "1.00"), priceless, timeless, lineless])
    charge = {"amount": "much", "currency": "usd", "status": "succeeded", "created": 1767225600}
    bronze.load("stripe_charges", [("ch", "2026-01-01T00:00:00Z", charge)])
    result = transform(settings, bronze.pins())
    assert all(audit.passed for audit in result.audits if audit.blocking)
    assert net_amounts(settings) == {"1": "1.00", "4": "1.00"}
    assert read_gold(settings, "fact_payments").num_rows == 0


def test_a_model_that_cannot_be_built_is_named_in_one_sentence(
    bronze: Any, warehouse_in: Warehouses, project_of: ProjectOf
) -> None:
    settings, project = warehouse_in("unbuildable"), project_of("gold.fact_orders")
    model = project / "models" / "silver" / "stg_shopify_orders.sql"
    before = model.read_text()
    model.write_text(before.replace("@at(doc, 'name')", "CAST(CAST(@at(doc, 'currencyCode') AS INT) AS TEXT)"))
    assert model.read_text() != before
    bronze.load("shopify_orders", [order(1, "2026-01-01", "1.00")])
    with pytest.raises(ServiceError, match=r"^The model silver\.stg_shopify_orders can't be built: .*'USD'") as caught:
        transform(settings, bronze.pins(), project=project)
    assert "\n" not in str(caught.value)

    model.write_text(before)
    transform(settings, bronze.pins(), project=project)
    assert net_amounts(settings) == {"1": "1.00"}


def test_a_table_that_is_not_gold_is_unknown(warehouse_in: Warehouses) -> None:
    with pytest.raises(UnknownNameError, match="fact_orders"):
        read_gold(warehouse_in("none"), "fact_nothing")
