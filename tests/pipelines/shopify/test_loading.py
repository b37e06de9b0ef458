from typing import Any

import pytest

from lake.errors import SourceError
from pipelines.shopify.resources import RESOURCES, TABLES
from tests.pipelines.conftest import Lake
from tests.pipelines.vendor import TIME, Asked, Reply, Vendor, body, order


@pytest.fixture
def shop(vendor: Vendor) -> Vendor:
    """A shop with two orders, the first of which has three line items, and a customer."""
    vendor.objects = {
        "orders": [order(1, 10, "a", "b", "c"), order(2, 20, "a")],
        "customers": [{"id": "gid://shopify/Customer/1", "updatedAt": TIME.format(5)}],
    }
    return vendor


def skus(payload: Any) -> list[str]:
    return [edge["node"]["sku"] for edge in payload["lineItems"]["edges"]]


def test_the_first_load_takes_everything_by_bulk_with_its_children(lake: Lake, shop: Vendor) -> None:
    new = {"shopify_shop": 1, "shopify_customers": 1, "shopify_orders": 2}
    assert lake.pull("shopify").rows == dict.fromkeys(TABLES, 0) | new
    assert [skus(payload) for payload in lake.payloads("shopify_orders")] == [["a", "b", "c"], ["a"]]
    assert {(row["_lane"], row["_op"], row["_api_version"]) for row in lake.rows("shopify_orders")} == {
        ("bulk", "upsert", "2025-10")
    }
    assert lake.cursor("shopify_orders", "shopify") == TIME.format(20)
    assert lake.disagreements() == []


def test_a_load_with_nothing_new_adds_nothing(lake: Lake, shop: Vendor) -> None:
    lake.pull("shopify")
    before = {name: lake.catalogue.load_table(name).metadata_location for name in lake.catalogue.list_tables("bronze")}
    assert lake.pull("shopify").total == 0
    assert {name: lake.catalogue.load_table(name).metadata_location for name in before} == before


def test_a_changed_document_lands_once_as_another_version(lake: Lake, shop: Vendor) -> None:
    lake.pull("shopify")
    shop.objects["orders"][0] = order(1, 30, "a", "b", "c", "d", "e")
    shop.objects["orders"].append(order(3, 20, "z"))
    assert lake.pull("shopify").rows["shopify_orders"] == 2
    assert lake.pull("shopify").total == 0
    assert lake.keys("shopify_orders") == [("1", "10"), ("1", "30"), ("2", "20"), ("3", "20")]
    assert lake.disagreements() == []


def test_line_items_past_their_first_page_are_fetched(lake: Lake, shop: Vendor) -> None:
    lake.pull("shopify")
    shop.objects["orders"][0] = order(1, 30, "a", "b", "c", "d", "e")
    lake.pull("shopify")
    assert skus(lake.payloads("shopify_orders")[1]) == ["a", "b", "c", "d", "e"]


def test_changes_are_paged_to_their_end(lake: Lake, shop: Vendor) -> None:
    lake.pull("shopify")
    size = next(resource.page for resource in RESOURCES if resource.name == "orders")
    shop.objects["orders"] += [order(number, 21 + number % 2, "a") for number in range(100, 101 + 2 * size)]
    assert lake.pull("shopify").rows["shopify_orders"] == 2 * size + 1


def test_documents_that_another_lane_brought_do_not_land_again(lake: Lake, shop: Vendor) -> None:
    lake.pull("shopify")
    table = lake.catalogue.load_table("bronze.shopify_orders")
    with table.transaction() as transaction:
        transaction.remove_properties("boathouse.mark.shopify")
    assert lake.cursor("shopify_orders", "shopify") == ""
    shop.objects["orders"].append(order(3, 40))
    assert lake.pull("shopify").rows["shopify_orders"] == 1
    assert lake.keys("shopify_orders") == [("1", "10"), ("2", "20"), ("3", "40")]
    assert lake.disagreements() == []


def test_what_a_webhook_brought_is_read_all_the_same(lake: Lake, shop: Vendor) -> None:
    lake.deliver("shopify_orders", "gid://shopify/Order/1", TIME.format(10))
    assert lake.pull("shopify").rows["shopify_orders"] == 2
    lake.deliver("shopify_orders", "gid://shopify/Order/3", TIME.format(30))
    shop.objects["orders"].append(order(3, 30, "a"))
    assert lake.pull("shopify").rows["shopify_orders"] == 1
    assert lake.pull("shopify").total == 0
    lanes = {(row["id"][-1], row["_lane"]) for row in lake.rows("shopify_orders")}
    assert lanes == {("1", "webhook"), ("1", "bulk"), ("2", "bulk"), ("3", "webhook"), ("3", "poll")}
    assert lake.disagreements() == []


def test_what_cannot_be_read_is_kept_apart_and_the_rest_loads(lake: Lake, shop: Vendor) -> None:
    shop.lines = [
        b'{"id": "gid://shopify/Order/1", "updatedAt": "2024-01-01T00:10:00Z"}',
        b'{"id": "gid://shopify/Order/2", "updat',
        b'{"id": "gid://shopify/LineItem/1", "__parentId": "gid://shopify/Order/2"}',
        b'{"updatedAt": "2024-01-01T00:11:00Z"}',
        b'{"id": "gid://shopify/Order/4"}',
        b'{"id": "gid://shopify/Order/5", "updatedAt": "2024-01-01T00:12:00Z", "note": "\xff"}',
        b'{"id": "gid://shopify/Order/6", "updatedAt": "2024-01-01T00:13:00Z"}',
    ]
    shop.roots = 6
    assert lake.pull("shopify").rows["shopify_orders"] == 2
    assert lake.keys("shopify_orders") == [("1", "10"), ("6", "13")]
    kept = lake.rows("quarantine")
    reasons = sorted(row["reason"].partition(":")[0] for row in kept)
    assert reasons == ["no id or no updatedAt", "no id or no updatedAt", "not UTF-8 text", "not a document"]
    assert {(row["source"], row["object"]) for row in kept} == {("shopify", "shopify_orders")}
    assert any("Order/2" in row["payload"] and "LineItem/1" in row["payload"] for row in kept)
    assert lake.disagreements() == []


def test_what_cannot_be_read_late_in_a_long_object_is_kept_too(
    lake: Lake, shop: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.documents.BATCH_ROWS", 100)
    good = '{{"id": "gid://shopify/Order/{}", "updatedAt": "2024-01-01T00:10:00Z"}}'
    shop.lines = [*(good.format(number).encode() for number in range(1, 301)), b'{"updatedAt": "2024-01-01T00:11:00Z"}']
    shop.roots = 301
    assert lake.pull("shopify").rows["shopify_orders"] == 300
    assert len(lake.rows("quarantine")) == 1
    assert lake.disagreements() == []


def test_a_document_stays_in_quarantine_once_however_often_it_comes(lake: Lake, shop: Vendor) -> None:
    lake.pull("shopify")
    shop.objects["orders"].append({"updatedAt": TIME.format(30), "lineItems": []})
    assert lake.pull("shopify").rows == dict.fromkeys(TABLES, 0) | {"quarantine": 1}
    assert lake.pull("shopify").total == 0
    assert len(lake.rows("quarantine")) == 1
    assert lake.disagreements() == []


def test_fewer_rows_than_the_shop_says_keep_the_cursor_until_a_load_brings_the_rest(lake: Lake, shop: Vendor) -> None:
    shop.lines = shop.bulk_lines("orders")[:4]
    shop.roots = 2
    lake.pull("shopify")
    assert lake.keys("shopify_orders") == [("1", "10")]
    assert lake.cursor("shopify_orders", "shopify") == ""
    assert lake.disagreements() == [("bronze.shopify_orders", 2, 1)]
    shop.lines = None
    assert lake.pull("shopify").rows["shopify_orders"] == 1
    assert lake.keys("shopify_orders") == [("1", "10"), ("2", "20")]
    assert lake.cursor("shopify_orders", "shopify") == TIME.format(20)
    assert lake.disagreements() == []


def test_no_rows_where_the_shop_says_there_are_some_is_a_disagreement(lake: Lake, shop: Vendor) -> None:
    shop.lines, shop.roots = [], 2
    lake.pull("shopify")
    assert lake.disagreements() == [("bronze.shopify_orders", 2, 0)]
    shop.lines, shop.roots = None, None
    assert lake.pull("shopify").rows["shopify_orders"] == 2
    assert lake.disagreements() == []


def test_an_object_that_is_empty_is_read_by_changes_from_then_on(lake: Lake, vendor: Vendor) -> None:
    lake.pull("shopify")
    assert lake.rows("shopify_orders") == []
    vendor.asked.clear()
    vendor.objects["orders"] = [order(1, 59)]
    assert lake.pull("shopify").rows["shopify_orders"] == 1
    assert not any(b"bulkOperationRunQuery" in asked.body for asked in vendor.asked)


def test_a_shop_that_counts_more_than_it_pages_stops_the_load(lake: Lake, shop: Vendor) -> None:
    lake.pull("shopify")
    count: Reply = body({"data": {"ordersCount": {"count": 9}}})
    shop.before = [lambda asked: count if b"ordersCount" in asked.body else None] * 3
    with pytest.raises(SourceError, match=r"^Shopify counts more orders since .*run again when it is quieter\.$"):
        lake.pull("shopify")
    assert lake.pull("shopify").total == 0


def test_an_extraction_that_fails_midway_leaves_nothing_to_the_next(lake: Lake, shop: Vendor) -> None:
    shop.before = [lambda asked: (403, {}, b"{}") if asked.path == "/bulk/orders" else None]
    with pytest.raises(SourceError, match=r"^Shopify's bulk result answered 403"):
        lake.pull("shopify")
    assert lake.catalogue.list_tables("bronze") == []
    assert lake.pull("shopify").total == 4
    assert lake.disagreements() == []


def test_a_bulk_operation_that_somebody_else_runs_is_waited_for(lake: Lake, shop: Vendor) -> None:
    shop.busy = 2
    assert lake.pull("shopify").total == 4


def test_a_bulk_operation_that_fails_is_a_sentence(lake: Lake, shop: Vendor) -> None:
    failed: Reply = body({"data": {"node": {"id": "1", "status": "FAILED", "errorCode": "ACCESS_DENIED"}}})
    shop.before = [lambda asked: failed if b"query Poll" in asked.body else None]
    with pytest.raises(SourceError, match=r"^Shopify's bulk operation for products ended as FAILED \(ACCESS_DENIED\)"):
        lake.pull("shopify")


def test_a_bulk_operation_that_is_refused_is_a_sentence(lake: Lake, shop: Vendor) -> None:
    def refuse(asked: Asked) -> Reply | None:
        errors = [{"code": "INVALID", "field": ["query"], "message": "Bulk queries must contain a connection."}]
        told = {"data": {"bulkOperationRunQuery": {"bulkOperation": None, "userErrors": errors}}}
        return body(told) if b"bulkOperationRunQuery" in asked.body else None

    shop.before = [refuse]
    with pytest.raises(SourceError, match=r"didn't start .* products: Bulk queries must contain a connection\.$"):
        lake.pull("shopify")
