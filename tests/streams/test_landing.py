"""The fast lane: every event once in bronze, wherever a landing is killed."""

import signal
from datetime import timedelta
from typing import Any

import orjson
import pyarrow as pa
import pytest

from lake.bus import Event
from lake.catalogue import ensure_table, find_table, open_catalogue
from lake.errors import LockedError, ServiceError
from lake.pins import Pin
from lake.proofs import prove
from lake.settings import Settings
from streams.agreement import recount
from streams.landed import wait_until_landed
from streams.landing import alone, land_all
from streams.running import flowing
from tests.streams.shop import minutes_ago, order, publish, refund, shopify
from tests.streams.watching import until


def landed(settings: Settings, table: str) -> list[dict[str, Any]]:
    """Read a bronze table; it is empty when it isn't there."""
    found = find_table(open_catalogue(settings), f"bronze.{table}")
    return [] if found is None else list(found.scan().to_arrow().to_pylist())


def some_orders(first: int, count: int) -> list[Event]:
    return [shopify("orders/create", order(number, minutes_ago(3), "1.00")) for number in range(first, first + count)]


def test_events_land_under_the_ids_and_versions_of_the_poll_lane(live: Settings) -> None:
    at = minutes_ago(3)
    publish(
        live,
        [
            shopify("orders/create", order(7, at, "1.00", updated_at="2026-03-29T03:00:00-05:00")),
            shopify("orders/delete", b'{"id": 8}', received=at),
            shopify("products/update", {"id": 9, "updated_at": "2026-03-29T08:00:00Z"}),
            shopify("refunds/create", {"id": 1, "order_id": 7}),
            refund("re_1", at, 505),
        ],
    )
    assert land_all(live) == 5
    first, deleted = sorted(landed(live, "shopify_orders"), key=lambda row: str(row["id"]))
    assert (first["id"], first["version"], first["_op"]) == ("gid://shopify/Order/7", "2026-03-29T08:00:00Z", "upsert")
    assert (first["_lane"], first["_api_version"]) == ("webhook", "2025-10")
    assert (deleted["id"], deleted["_op"]) == ("gid://shopify/Order/8", "delete")
    assert [row["id"] for row in landed(live, "shopify_products")] == ["gid://shopify/Product/9"]
    assert [row["id"] for row in landed(live, "stripe_refunds")] == ["re_1"]
    assert len(landed(live, "stripe_events")) == 1


def test_what_is_said_of_stock_and_of_the_shop_lands_under_its_id(live: Settings) -> None:
    at = "2026-03-29T08:00:00Z"
    level = "gid://shopify/InventoryLevel/5?inventory_item_id=6"
    publish(
        live,
        [
            shopify("inventory_items/update", {"id": 6, "sku": "a", "updated_at": at}),
            shopify(
                "inventory_levels/update", {"inventory_item_id": 6, "admin_graphql_api_id": level, "updated_at": at}
            ),
            shopify("inventory_levels/update", {"inventory_item_id": 6, "location_id": 5, "updated_at": at}),
            shopify("locations/deactivate", {"id": 5, "active": False, "updated_at": at}),
            shopify("discounts/delete", {"admin_graphql_api_id": "gid://shopify/DiscountCodeNode/4"}),
            shopify("shop/update", {"id": 1, "updated_at": at}),
        ],
    )
    assert land_all(live) == 6
    found = {
        name: [(row["id"], row["_op"]) for row in landed(live, f"shopify_{name}")]
        for name in ("inventory_items", "inventory_levels", "locations", "discounts", "shop")
    }
    assert found == {
        "inventory_items": [("gid://shopify/InventoryItem/6", "upsert")],
        "inventory_levels": [(level, "upsert")],
        "locations": [("gid://shopify/Location/5", "upsert")],
        "discounts": [("gid://shopify/DiscountCodeNode/4", "delete")],
        "shop": [("gid://shopify/Shop/1", "upsert")],
    }


def test_an_event_that_is_no_text_is_counted_and_does_not_hold_up_the_others(live: Settings) -> None:
    text = orjson.dumps(order(1, minutes_ago(3), "1.00") | {"note": "@"})
    publish(live, [shopify("orders/create", text.replace(b"@", b"\xff")), *some_orders(2, 1)])
    assert land_all(live) == 2
    assert [row["id"] for row in landed(live, "shopify_orders")] == ["gid://shopify/Order/2"]


def test_landing_again_adds_nothing_and_what_landed_is_proven(live: Settings) -> None:
    publish(live, some_orders(1, 3))
    assert land_all(live) == 3
    land_all(live)
    publish(live, [*some_orders(4, 1), shopify("orders/create", b"{broken")])
    land_all(live)
    assert len(landed(live, "shopify_orders")) == 4
    proofs = prove(live, open_catalogue(live))
    assert [(proof.mark.claim_count, proof.landed_count, proof.agrees) for proof in proofs] == [
        (3, 3, True),
        (2, 1, True),
    ]


@pytest.mark.parametrize("place", ["commit.before:1", "commit.after:1", "commit.after:2", "commit.before:2"])
def test_a_landing_killed_at_a_commit_lands_every_event_once(live: Settings, place: str) -> None:
    publish(live, [*some_orders(1, 5), refund("re_1", minutes_ago(3), 100)])
    with flowing(live.model_copy(update={"failpoint": f"{place}:kill"})) as child:
        assert child.wait(60) == -signal.SIGKILL
    publish(live, some_orders(6, 1))
    land_all(live)
    assert sorted(row["id"] for row in landed(live, "shopify_orders")) == [
        f"gid://shopify/Order/{number}" for number in range(1, 7)
    ]
    assert len(landed(live, "stripe_events")) == len(landed(live, "stripe_refunds")) == 1


def test_the_lane_lands_by_itself_while_the_flow_runs(live: Settings) -> None:
    publish(live, some_orders(1, 2))
    with flowing(live) as child:
        until(lambda: len(landed(live, "shopify_orders")) == 2, child)


def test_waiting_ends_when_everything_on_the_bus_has_landed(live: Settings) -> None:
    wait_until_landed(live, timedelta(0))
    publish(live, [*some_orders(1, 2), shopify("customers/update", b"{broken"), shopify("refunds/create", {"id": 1})])
    with pytest.raises(ServiceError, match=r"didn't land bronze\.shopify_"):
        wait_until_landed(live, timedelta(0))
    with flowing(live):
        wait_until_landed(live, timedelta(minutes=1))
        assert len(landed(live, "shopify_orders")) == 2
    publish(live, [refund("re_1", minutes_ago(3), 100)])
    with pytest.raises(ServiceError, match=r"bronze\.stripe_"):
        wait_until_landed(live, timedelta(0))
    land_all(live)
    wait_until_landed(live, timedelta(0))


def test_two_landings_at_once_are_refused(live: Settings) -> None:
    with alone(live), pytest.raises(LockedError, match="Another process lands"):
        land_all(live)


def test_refunds_are_recounted_from_their_last_versions(live: Settings) -> None:
    at = minutes_ago(4).replace(second=0)
    publish(
        live, [refund("re_1", at, 505, "pending"), refund("re_1", at, 505, said=minutes_ago(2)), refund("re_2", at, 1)]
    )
    land_all(live)
    publish(live, [refund("re_2", at, 1, "failed", said=minutes_ago(1)), *some_orders(1, 1)])
    land_all(live)
    catalogue = open_catalogue(live)
    refunds = Pin.of(catalogue.load_table("bronze.stripe_refunds"))
    counted = recount_refunds(live, refunds)
    assert counted == {"5.05"}


def recount_refunds(settings: Settings, refunds: Pin | None) -> set[str]:
    """Recount over an empty gold."""
    money = pa.decimal128(18, 2)
    schema = pa.schema(
        [
            ("processed_at", pa.timestamp("us")),
            ("currency", pa.string()),
            ("units", pa.int64()),
            ("gross_amount", money),
            ("net_amount", money),
        ]
    )
    gold = ensure_table(open_catalogue(settings), "gold.fact_orders", schema)
    gold.append(pa.Table.from_pylist([], schema=schema))
    pin = Pin.of(gold)
    assert pin is not None
    counted = recount(settings, pin, refunds, minutes_ago(60))
    return {str(values["refunded"]) for values in counted.values()}
