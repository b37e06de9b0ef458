"""What changed comes as one bulk operation when it is much: exactly once, proven, and found again after a crash."""

import json

import pytest

from infra.sandbox.selling.sales import Fate
from lake.errors import SourceError
from pipelines.shopify.resources import RESOURCES
from tests.pipelines.conftest import Lake
from tests.pipelines.shopify.conftest import Sandbox
from tests.pipelines.vendor import Vendor, body, order

ORDERS = next(resource for resource in RESOURCES if resource.name == "orders")
FATES = (Fate.KEPT, Fate.CANCELLED, Fate.REFUNDED, Fate.PARTLY_REFUNDED)


def from_three(lake: Lake) -> Lake:
    """Let three changes be many."""
    wanted = {"shopify_bulk_from": 3, "shopify_objects": ["orders"]}
    return Lake(lake.settings.model_copy(update=wanted), lake.catalogue)


def begun(sandbox: Sandbox) -> int:
    return sum(b"bulkOperationRunQuery" in asked.body for asked in sandbox.asked)


def test_many_changes_land_once_from_one_bulk_operation(store: Lake, sandbox: Sandbox) -> None:
    lake = from_three(store)
    lake.pull("shopify")
    sold = sandbox.sell(*FATES)
    gone = sandbox.delete("Order", sandbox.shop.sales.first_order - 1)
    sandbox.asked.clear()
    assert lake.pull("shopify").rows["shopify_orders"] == 5
    assert begun(sandbox) == 1
    assert b"updated_at:>=" in next(a.body for a in sandbox.asked if b"bulkOperationRunQuery" in a.body)
    landed = {row["id"]: row for row in lake.rows("shopify_orders") if row["version"] >= "2030"}
    assert {identity for identity, row in landed.items() if row["_op"] == "delete"} == {gone}
    payloads = [json.loads(landed[identity]["payload"]) for identity in sold]
    refunded = [len(payload["refunds"][0]["refundLineItems"]["edges"]) for payload in payloads if payload["refunds"]]
    assert refunded == [2, 2, 1]
    assert lake.disagreements() == []
    assert lake.pull("shopify").total == 0
    assert lake.disagreements() == []


def test_few_changes_are_paged(store: Lake, sandbox: Sandbox) -> None:
    lake = from_three(store)
    lake.pull("shopify")
    sandbox.sell(Fate.KEPT)
    sandbox.asked.clear()
    assert lake.pull("shopify").rows["shopify_orders"] == 1
    assert begun(sandbox) == 0


def test_few_changes_among_many_that_have_landed_are_found_by_their_keys(store: Lake, sandbox: Sandbox) -> None:
    lake = from_three(store)
    lake.pull("shopify")
    sandbox.sell(*FATES)
    lake.pull("shopify")
    (sold,) = sandbox.sell(Fate.KEPT)
    sandbox.asked.clear()
    assert lake.pull("shopify").rows["shopify_orders"] == 1
    assert begun(sandbox) == 0
    whole = [asked for asked in sandbox.asked if b"lineItems" in asked.body]
    assert [f"id:{sold.rpartition('/')[2]}".encode() in asked.body for asked in whole] == [True]
    assert lake.disagreements() == []
    assert lake.pull("shopify").total == 0


def test_a_crash_while_many_changes_are_read_loses_and_doubles_nothing(lake: Lake, vendor: Vendor) -> None:
    lake = from_three(lake)
    vendor.objects["orders"] = [order(1, 10)]
    lake.pull("shopify")
    vendor.objects["orders"] += [order(number, 20, "a") for number in (2, 3, 4)]
    vendor.asked.clear()
    vendor.before = [lambda asked: (403, {}, b"{}") if asked.path == "/bulk/orders" else None]
    with pytest.raises(SourceError, match="bulk result answered 403"):
        lake.pull("shopify")
    assert len(lake.rows("shopify_orders")) == 1
    assert lake.pull("shopify").rows["shopify_orders"] == 3
    assert lake.keys("shopify_orders") == [("1", "10"), ("2", "20"), ("3", "20"), ("4", "20")]
    assert lake.disagreements() == []


def test_fewer_changes_than_the_operation_counts_are_a_disagreement_that_the_next_load_ends(
    lake: Lake, vendor: Vendor
) -> None:
    lake = from_three(lake)
    vendor.objects["orders"] = [order(1, 10)]
    lake.pull("shopify")
    stood = lake.cursor("shopify_orders", "shopify")
    vendor.objects["orders"] += [order(number, 20) for number in (2, 3, 4)]
    vendor.lines = [line for line in vendor.bulk_lines("orders") if b"Order/4" not in line]
    lake.pull("shopify")
    assert lake.cursor("shopify_orders", "shopify") == stood
    assert lake.disagreements() == [("bronze.shopify_orders", 3, 2)]
    vendor.lines = None
    assert lake.pull("shopify").rows["shopify_orders"] == 1
    assert lake.disagreements() == []


def test_an_operation_for_changes_that_fails_is_a_sentence_and_none_of_its_data_is_taken(
    lake: Lake, vendor: Vendor
) -> None:
    lake = from_three(lake)
    vendor.objects["orders"] = [order(1, 10)]
    lake.pull("shopify")
    vendor.objects["orders"] += [order(number, 20) for number in (2, 3, 4)]
    node = {"id": "orders", "status": "FAILED", "errorCode": "TIMEOUT", "partialDataUrl": f"{vendor.url}/bulk/orders"}
    vendor.before = [lambda asked: body({"data": {"node": node}}) if b"query Poll" in asked.body else None]
    with pytest.raises(SourceError, match=r"for orders ended as FAILED \(TIMEOUT\); run again"):
        lake.pull("shopify")
    assert len(lake.rows("shopify_orders")) == 1
    assert lake.pull("shopify").rows["shopify_orders"] == 3


def test_orders_that_a_search_by_their_ids_does_not_find_are_asked_for_one_by_one(
    store: Lake, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.shopify.repair.pages", lambda *_: iter([b'{"id": "gid://shopify/Order/1"}'] * 9))
    lake = from_three(store)
    sold = sandbox.sell(*FATES)
    lake.pull("shopify")
    payloads = {row["id"]: json.loads(row["payload"]) for row in lake.rows("shopify_orders")}
    assert [len(refund["refundLineItems"]["edges"]) for one in sold for refund in payloads[one]["refunds"]] == [2, 2, 1]
