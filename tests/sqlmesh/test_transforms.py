"""A transform gives the gold that bronze stands for, however often it runs and wherever it was killed."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest

from lake.errors import AuditError, ServiceError, UnknownNameError
from lake.pins import Pin
from lake.settings import Settings
from lake.transforms import FailedAuditError, transform
from lake.warehouse import PROJECT, STATE, WAREHOUSE, gold_tables, read_gold

pytestmark = pytest.mark.filterwarnings("ignore:`json_encoders` is deprecated")  # SQLMesh, when it is imported
Warehouses = Callable[[str], Settings]

SHOP = ("gid://shopify/Shop/1", "2026-01-01T00:00:00Z", {"name": "Shop", "ianaTimezone": "America/New_York"})
KILLED = """
import os, signal, sys
import orjson
from lake.pins import Pin
from lake.settings import Settings
from lake.transforms import transform

told = orjson.loads(sys.stdin.buffer.read())
settings = Settings(_env_file=None, **told["settings"])
pins = {name: Pin.from_json(pin) for name, pin in told["pins"].items()}
transform(settings, pins, lambda model: model == told["at"] and os.kill(os.getpid(), signal.SIGKILL))
"""


def order(number: int, day: str, amount: str, version: str | None = None) -> tuple[str, str, dict[str, Any]]:
    at = f"{day}T15:00:00Z"
    money = {"shopMoney": {"amount": amount, "currencyCode": "USD"}}
    payload = {
        "createdAt": at,
        "processedAt": at,
        "updatedAt": version or at,
        "displayFinancialStatus": "PAID",
        "currencyCode": "USD",
        "customer": {"id": "gid://shopify/Customer/5"},
        "subtotalPriceSet": money,
        "totalPriceSet": money,
        "lineItems": {"edges": [{"node": {"id": f"gid://shopify/LineItem/{number}", "quantity": 1}}]},
    }
    return f"gid://shopify/Order/{number}", version or at, payload


def gold_of(settings: Settings) -> dict[str, pa.Table]:
    return {table: read_gold(settings, table) for table in gold_tables()}


def net_amounts(settings: Settings) -> dict[str, str]:
    orders = read_gold(settings, "fact_orders").to_pylist()
    return {row["order_id"]: str(row["net_amount"]) for row in orders}


def kill_at(model: str, settings: Settings, pins: Mapping[str, Pin]) -> None:
    """Run a transform in a process of its own that is killed when it begins a model."""
    keys = {"s3_access_key": settings.s3_access_key, "s3_secret_key": settings.s3_secret_key}
    told = {
        "at": model,
        "pins": {name: pin._asdict() for name, pin in pins.items()},
        "settings": {name: key.get_secret_value() for name, key in keys.items() if key}
        | {"state_dir": str(settings.state_dir), "s3_endpoint": settings.s3_endpoint},
    }
    done = subprocess.run([sys.executable, "-c", KILLED], input=orjson.dumps(told), env=dict(os.environ), check=False)
    assert done.returncode == -signal.SIGKILL


def test_late_changed_and_deleted_orders_come_out_as_in_a_full_build(bronze: Any, warehouse_in: Warehouses) -> None:
    kept, anew = warehouse_in("kept"), warehouse_in("anew")
    bronze.load("shopify_shop", [SHOP])
    bronze.load("shopify_orders", [order(1, "2026-01-01", "1.00"), order(2, "2026-01-02", "2.00")])
    transform(kept, bronze.pins())
    assert net_amounts(kept) == {"1": "1.00", "2": "2.00"}

    changed = order(1, "2026-01-01", "1.50", version="2026-01-05T00:00:00Z")
    deleted = ("gid://shopify/Order/2", "2026-01-05T00:00:00Z", None)
    late = order(3, "2025-12-01", "3.00")
    bronze.load("shopify_orders", [changed, deleted, late])
    transform(kept, bronze.pins())
    assert net_amounts(kept) == {"1": "1.50", "3": "3.00"}

    transform(anew, bronze.pins())
    assert gold_of(kept) == gold_of(anew)


def test_a_transform_that_was_killed_gives_the_same_gold_the_next_time(bronze: Any, warehouse_in: Warehouses) -> None:
    killed, whole = warehouse_in("killed"), warehouse_in("whole")
    bronze.load("shopify_orders", [order(1, "2026-01-01", "1.00"), order(2, "2026-01-02", "2.00")])
    before = bronze.pins()
    kill_at("gold.fact_orders", killed, before)
    bronze.load("shopify_orders", [order(1, "2026-01-01", "1.50", version="2026-01-05T00:00:00Z")])
    kill_at("gold.daily_shop", killed, bronze.pins())
    transform(killed, bronze.pins())
    transform(whole, bronze.pins())
    assert gold_of(killed) == gold_of(whole)


def test_a_model_that_only_changed_its_words_still_follows_bronze(
    bronze: Any, warehouse_in: Warehouses, tmp_path: Path
) -> None:
    settings, project = warehouse_in("reworded"), tmp_path / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns(".cache", "__pycache__"))
    bronze.load("shopify_orders", [order(1, "2026-01-01", "1.00")])
    transform(settings, bronze.pins(), project=project)
    model = project / "models" / "silver" / "stg_shopify_orders.sql"
    model.write_text(model.read_text().replace("/* Orders as", "/* The orders as"))
    for number in (2, 3):
        bronze.load("shopify_orders", [order(number, "2026-01-01", "1.00")])
        transform(settings, bronze.pins(), project=project)
        assert len(net_amounts(settings)) == number


@pytest.mark.parametrize("lost", [WAREHOUSE, STATE])
def test_a_lost_file_is_built_again(bronze: Any, warehouse_in: Warehouses, lost: str) -> None:
    settings = warehouse_in("lost")
    bronze.load("shopify_orders", [order(1, "2026-01-01", "1.00")])
    transform(settings, bronze.pins())
    (settings.state_dir / lost).unlink()
    bronze.load("shopify_orders", [order(2, "2026-01-02", "2.00")])
    transform(settings, bronze.pins())
    assert net_amounts(settings) == {"1": "1.00", "2": "2.00"}


def test_without_any_bronze_gold_is_empty_and_every_audit_says_so(warehouse_in: Warehouses) -> None:
    settings = warehouse_in("empty")
    result = transform(settings, {})
    assert {audit.rows for audit in result.audits if audit.model != "silver.currencies"} == {0}
    assert all(audit.passed for audit in result.audits if audit.blocking)
    assert {table.num_rows for table in gold_of(settings).values()} == {0}


def test_a_failed_audit_is_one_sentence_and_mended_bronze_passes_it(bronze: Any, warehouse_in: Warehouses) -> None:
    settings = warehouse_in("failed")
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
    with pytest.raises(AuditError, match=r"^The audit forall\(.*\) of gold.fact_payments found 1 ") as caught:
        transform(settings, bronze.pins())
    assert isinstance(caught.value, FailedAuditError)
    failed = [audit.model for audit in caught.value.audits if audit.blocking and not audit.passed]
    assert failed == ["gold.fact_payments"]

    bronze.load("stripe_balance_transactions", [("t", "2026-01-02T00:00:00Z", movement | {"net": 950})])
    transform(settings, bronze.pins())
    assert [str(net) for net in read_gold(settings, "fact_payments")["net"].to_pylist()] == ["9.50"]


def test_a_value_that_does_not_cast_keeps_its_document_out_and_fails_nothing(
    bronze: Any, warehouse_in: Warehouses
) -> None:
    settings = warehouse_in("uncast")
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
    bronze: Any, warehouse_in: Warehouses, tmp_path: Path
) -> None:
    settings, project = warehouse_in("unbuildable"), tmp_path / "project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns(".cache", "__pycache__"))
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
