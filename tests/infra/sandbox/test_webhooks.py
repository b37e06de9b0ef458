"""What the sandbox's webhooks say, how they are signed, and that they come again after a refusal."""

import base64
import hashlib
import hmac
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import httpx
import orjson
import pytest
import stripe

from infra.sandbox import credentials
from infra.sandbox.selling.client import Sold, sell
from tests.infra.sandbox.conftest import Start
from tests.infra.sandbox.receiver import Received, Receiver

SHOPIFY, STRIPE = "/webhooks/shopify", "/webhooks/stripe"
SOLD = 120


@pytest.fixture(scope="module")
def shop(start: Start) -> str:
    return start("--orders", "300")


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """A receiver that refuses every delivery once."""
    made = Receiver(refusals=1)
    yield made
    made.close()


@pytest.fixture(scope="module", autouse=True)
def sold(shop: str, receiver: Receiver) -> Sold:
    return sell(shop, 400, SOLD / 400, receiver.url)


def test_what_is_refused_comes_again_as_it_was(sold: Sold, receiver: Receiver) -> None:
    tries: dict[str, list[Received]] = {}
    for one in receiver.received:
        tries.setdefault(one.delivery, []).append(one)
    assert {tuple(one.status for one in found) for found in tries.values()} == {(503, 200)}
    assert all(first.body == second.body for first, second in tries.values())
    assert (sold.webhooks, sold.failed) == (len(tries), 0)


def test_what_is_refused_to_the_last_is_counted(shop: str) -> None:
    never = Receiver(refusals=1_000)
    httpx.post(
        f"{shop}/sandbox/sell", json={"rate": 100, "seconds": 0.02, "webhook_url": never.url, "backoff": 0.01}
    ).raise_for_status()
    said = httpx.get(f"{shop}/sandbox/sell").json()
    while said["state"] in ("selling", "delivering"):
        said = httpx.get(f"{shop}/sandbox/sell").json()
    never.close()
    assert (said["orders"], said["webhooks"]) == (2, 0)
    assert said["refused"] * 5 == len(never.received)


def test_stripes_signatures_hold_before_its_own_library(receiver: Receiver) -> None:
    for one in receiver.taken(STRIPE):
        event = stripe.Webhook.construct_event(
            one.body, one.headers["stripe-signature"], credentials.STRIPE_WEBHOOK_SECRET
        )
        assert (event.object, event.api_version) == ("event", "2025-03-31.basil")


def test_shopifys_signatures_are_made_with_the_client_secret(receiver: Receiver) -> None:
    for one in receiver.taken(SHOPIFY):
        digest = hmac.new(credentials.SHOPIFY_CLIENT_SECRET.encode(), one.body, hashlib.sha256).digest()
        assert one.headers["x-shopify-hmac-sha256"] == base64.b64encode(digest).decode()
        assert one.headers["x-shopify-shop-domain"] == credentials.SHOP_DOMAIN
        assert {"x-shopify-triggered-at", "x-shopify-event-id", "x-shopify-api-version"} <= set(one.headers)


def test_each_happening_is_told_once_by_each_vendor(shop: str, receiver: Receiver) -> None:
    totals = httpx.get(f"{shop}/sandbox/truth").json()["totals"]
    topics = Counter(one.topic for one in [*receiver.taken(SHOPIFY), *receiver.taken(STRIPE)])
    assert topics["orders/create"] == topics["charge.succeeded"] == SOLD
    assert topics["refunds/create"] == topics["orders/updated"] == topics["refund.created"] == topics["charge.refunded"]
    assert topics["orders/cancelled"] <= topics["refunds/create"] <= totals["refunds"]
    assert set(topics) <= {
        *("orders/create", "orders/updated", "orders/cancelled", "refunds/create"),
        *("charge.succeeded", "charge.failed", "charge.refunded", "refund.created", "customer.created"),
    }


def test_an_order_in_a_webhook_adds_up(receiver: Receiver) -> None:
    for one in receiver.taken(SHOPIFY):
        if one.topic != "orders/create":
            continue
        order = orjson.loads(one.body)
        goods = sum(Decimal(line["price"]) * line["quantity"] for line in order["line_items"])
        shown = sum(
            Decimal(line["price_set"]["presentment_money"]["amount"]) * line["quantity"] for line in order["line_items"]
        )
        assert goods == Decimal(order["subtotal_price"]) == Decimal(order["total_price"])
        assert shown == Decimal(order["total_price_set"]["presentment_money"]["amount"])
        assert order["created_at"] == order["processed_at"] == order["updated_at"]
        assert order["created_at"][-6] in "+-"
        assert order["refunds"] == []


def test_a_cancelled_order_is_told_with_its_refund(receiver: Receiver) -> None:
    told = [orjson.loads(one.body) for one in receiver.taken(SHOPIFY) if one.topic == "orders/cancelled"]
    assert told
    for order in told:
        given = sum(Decimal(one["amount"]) for refund in order["refunds"] for one in refund["transactions"])
        assert order["cancelled_at"] == order["updated_at"] > order["created_at"]
        assert (order["financial_status"], given) == ("refunded", Decimal(order["total_price"]))


def test_events_can_be_read_again_for_thirty_days(shop: str, receiver: Receiver) -> None:
    told = {one.delivery: orjson.loads(one.body) for one in receiver.taken(STRIPE)}
    key = {"Authorization": f"Bearer {credentials.STRIPE_API_KEY}"}
    for identity, event in list(told.items())[:20]:
        assert httpx.get(f"{shop}/v1/events/{identity}", headers=key).json() == event
    asked = {"types[]": ["refund.created", "charge.failed"], "limit": "100"}
    found = httpx.get(f"{shop}/v1/events", params=asked, headers=key).json()["data"]
    assert {event["type"] for event in found} == {"refund.created", "charge.failed"}
    assert [event["created"] for event in found] == sorted((event["created"] for event in found), reverse=True)
