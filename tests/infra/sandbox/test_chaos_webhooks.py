"""Webhooks that are lost, doubled, late, out of order or wrongly signed, as a script says."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import stripe

from infra.sandbox import credentials
from infra.sandbox.selling.client import sell
from tests.infra.sandbox.conftest import Start
from tests.infra.sandbox.receiver import Receiver

TOPIC = "orders/create"


@pytest.fixture(scope="module")
def shop(start: Start) -> str:
    return start("--orders", "60")


@pytest.fixture
def sandbox(shop: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=shop, timeout=10) as client:
        yield client
        client.delete("/chaos").raise_for_status()


def sent(sandbox: httpx.Client, **fault: object) -> list[Any]:
    """Sell three orders under a fault, and give Shopify's webhooks about new orders as they go out."""
    faults = [{"vendor": "shopify", "object": TOPIC, "times": 0} | fault] if fault else []
    sandbox.post("/chaos", json={"faults": faults}).raise_for_status()
    told = sandbox.post("/chaos/writes", json={"orders": 3}).json()["webhooks"]
    return [one for one in told if one["topic"] == TOPIC]


def keys(found: list[Any]) -> list[str]:
    return [one["headers"]["X-Shopify-Webhook-Id"] for one in found]


def test_without_chaos_every_webhook_goes_out_once(sandbox: httpx.Client) -> None:
    assert len(set(keys(sent(sandbox)))) == 3


def test_a_lost_webhook_never_goes_out(sandbox: httpx.Client) -> None:
    assert len(sent(sandbox, fault="webhook_lost", times=1)) == 2


def test_a_doubled_webhook_goes_out_twice_under_one_id(sandbox: httpx.Client) -> None:
    found = keys(sent(sandbox, fault="webhook_doubled", skip=1, times=1))
    assert [found.count(key) for key in dict.fromkeys(found)] == [1, 2, 1]


def test_a_late_webhook_goes_out_after_the_others(sandbox: httpx.Client) -> None:
    found = sent(sandbox, fault="webhook_late", seconds=30, times=1)
    assert [one["delay"] for one in found] == [0, 0, 30]


def test_shuffled_webhooks_go_out_the_other_way_round(sandbox: httpx.Client) -> None:
    found = sent(sandbox, fault="webhook_shuffled")
    numbers = [int(one["body"].partition('"id":')[2].partition(",")[0]) for one in found]
    assert numbers == sorted(numbers, reverse=True)


def test_a_forged_webhook_is_signed_for_another_body(sandbox: httpx.Client) -> None:
    secret = credentials.SHOPIFY_CLIENT_SECRET.encode()
    right = []
    for one in sent(sandbox, fault="webhook_forged", times=1):
        digest = hmac.new(secret, one["body"].encode(), hashlib.sha256).digest()
        right.append(one["headers"]["X-Shopify-Hmac-Sha256"] == base64.b64encode(digest).decode())
    assert right == [False, True, True]


def test_a_forged_event_is_refused_by_stripes_own_library(sandbox: httpx.Client) -> None:
    sandbox.post("/chaos", json={"faults": [{"fault": "webhook_forged", "vendor": "stripe"}]}).raise_for_status()
    told = sandbox.post("/chaos/writes", json={"orders": 2}).json()["webhooks"]
    first, second = [one for one in told if one["path"] == "/webhooks/stripe"][:2]
    with pytest.raises(stripe.SignatureVerificationError):
        verify(first)
    verify(second)


def verify(told: Any) -> None:
    signature = told["headers"]["Stripe-Signature"]
    stripe.Webhook.construct_event(told["body"], signature, credentials.STRIPE_WEBHOOK_SECRET)


def test_what_the_shop_sells_is_told_of_under_chaos_too(shop: str, sandbox: httpx.Client) -> None:
    receiver = Receiver()
    fault = {"fault": "webhook_lost", "vendor": "stripe", "times": 0}
    sandbox.post("/chaos", json={"faults": [fault]}).raise_for_status()
    sell(shop, 100, 0.03, receiver.url)
    receiver.close()
    assert receiver.taken("/webhooks/stripe") == []
    assert len([one for one in receiver.taken("/webhooks/shopify") if one.topic == TOPIC]) == 3
