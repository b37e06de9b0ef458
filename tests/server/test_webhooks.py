"""Webhooks: what is signed reaches the bus once, and nothing else does."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import redis
import stripe
from litestar import Litestar
from litestar.testing import TestClient
from pydantic import SecretStr

from lake.bus import Entry, open_bus
from lake.settings import Settings
from server.app import create_app
from server.signatures import signed_by_shopify, signed_by_stripe

Client = TestClient[Litestar]
NEW, OLD = "new-secret", "old-secret"
ORDER = b'{"id": 1, "name": "#1001 \xc3\xa9"}'
EVENT = {"id": "evt_1", "object": "event", "type": "charge.succeeded", "created": 1_700_000_000, "data": {"object": {}}}
CHARGE = json.dumps(EVENT).encode()


@pytest.fixture
def hooked(shop: Settings) -> Iterator[Settings]:
    """Settings of a server with two secrets a vendor and an empty bus."""
    assert shop.redis_url
    address = shop.redis_url.get_secret_value().rpartition("/")[0]
    both = [SecretStr(NEW), SecretStr(OLD)]
    own = {"redis_url": SecretStr(f"{address}/9"), "webhook_max_body": 2000}
    settings = shop.model_copy(update=own | {"shopify_webhook_secrets": both, "stripe_webhook_secrets": both})
    with closing(client_of(settings)) as bus:
        bus.flushdb()
        yield settings
        bus.flushdb()


@pytest.fixture
def hooks(hooked: Settings) -> Iterator[Client]:
    with TestClient(create_app(hooked)) as asking:
        yield asking


def client_of(settings: Settings) -> Any:
    assert settings.redis_url
    return redis.from_url(settings.redis_url.get_secret_value())


def on_bus(settings: Settings) -> list[Entry]:
    bus = open_bus(settings)
    with closing(bus.reader(bus.partitions()[0])) as reader:
        return reader.read(100)


def shopify_headers(body: bytes = ORDER, secret: str = NEW, **more: str) -> dict[str, str]:
    signature = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    headers = {
        "x-shopify-hmac-sha256": signature,
        "x-shopify-topic": "orders/create",
        "x-shopify-webhook-id": "delivery-1",
        "x-shopify-triggered-at": "2026-03-29T18:00:27.877041743Z",
        "x-shopify-api-version": "2025-10",
    }
    return headers | {name.replace("_", "-"): value for name, value in more.items()}


def stripe_header(body: bytes = CHARGE, secret: str = NEW, at: float | None = None) -> str:
    moment = int(time.time() if at is None else at)
    signature = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={signature}"


def counts(client: Client) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = client.get("/webhooks").json()
    return found


def test_a_known_shopify_signature_is_taken() -> None:
    """The vector is RFC 4231's test case 2, in base64."""
    body, signature = b"what do ya want for nothing?", "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="
    assert signed_by_shopify(body, signature, ["other", "Jefe"])
    assert not signed_by_shopify(body, signature, ["other"])
    assert not signed_by_shopify(body + b"!", signature, ["Jefe"])


def test_what_stripes_own_library_signs_is_taken_and_what_it_refuses_is_refused() -> None:
    now = 1_700_000_000
    signature = stripe.WebhookSignature._compute_signature(f"{now}.{CHARGE.decode()}", NEW)
    header = f"t={now},v1={signature},v0={'0' * 64}"
    assert signed_by_stripe(CHARGE, header, [NEW], now)
    assert stripe.WebhookSignature.verify_header(CHARGE.decode(), header, NEW)
    assert not signed_by_stripe(CHARGE, header, [OLD], now)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(CHARGE.decode(), header, OLD)


@pytest.mark.parametrize(
    ("seconds", "taken"), [(0, True), (300, True), (301, False), (-300, True), (-301, False)], ids=str
)
def test_a_stripe_signature_holds_for_five_minutes_both_ways(seconds: int, taken: bool) -> None:
    header = stripe_header(at=1_700_000_000)
    assert signed_by_stripe(CHARGE, header, [NEW], 1_700_000_000 + seconds) is taken


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=1700000000",
        "v1=" + "0" * 64,
        "t=1700000000,v0={good}",
        "t=1700000000,t=1700000000,v1={good}",
        "t=-1700000000,v1={good}",
        "t=1700000000,v1={upper}",
    ],
)
def test_a_stripe_header_that_is_not_whole_is_refused(header: str) -> None:
    good = stripe_header(at=1_700_000_000).partition("v1=")[2]
    assert not signed_by_stripe(CHARGE, header.format(good=good, upper=good.upper()), [NEW], 1_700_000_000)


def test_any_of_several_v1_signatures_is_enough(hooks: Client) -> None:
    header = stripe_header().replace("v1=", f"v1={'0' * 64},v1=")
    assert hooks.post("/webhooks/stripe", content=CHARGE, headers={"stripe-signature": header}).status_code == 200


def test_a_signed_delivery_is_on_the_bus_as_it_came(hooks: Client, hooked: Settings) -> None:
    answer = hooks.post("/webhooks/shopify", content=ORDER, headers=shopify_headers())
    assert (answer.status_code, answer.content) == (200, b"")
    header = {"stripe-signature": stripe_header(secret=OLD)}
    assert hooks.post("/webhooks/stripe", content=CHARGE, headers=header).status_code == 200
    order, charge = (entry.event for entry in on_bus(hooked))
    assert (order.source, order.topic, order.delivery_id, order.body) == (
        "shopify",
        "orders/create",
        "delivery-1",
        ORDER,
    )
    assert order.api_version == "2025-10"
    assert order.triggered_at is not None
    assert (charge.source, charge.topic, charge.delivery_id, charge.body) == (
        "stripe",
        "charge.succeeded",
        "evt_1",
        CHARGE,
    )


def test_repeated_deliveries_are_answered_and_dropped(hooks: Client, hooked: Settings) -> None:
    for _ in range(3):
        assert hooks.post("/webhooks/shopify", content=ORDER, headers=shopify_headers()).status_code == 200
        header = {"stripe-signature": stripe_header()}
        assert hooks.post("/webhooks/stripe", content=CHARGE, headers=header).status_code == 200
    assert len(on_bus(hooked)) == 2
    assert counts(hooks) == {"shopify": {"accepted": 1, "repeated": 2}, "stripe": {"accepted": 1, "repeated": 2}}


@pytest.mark.parametrize(
    ("key", "live", "ends"),
    [
        ("rk_live_1", False, {"other_mode": 1}),
        ("sk_test_1", True, {"other_mode": 1}),
        ("rk_live_1", True, {"accepted": 1}),
        ("odd", False, {"accepted": 1}),
    ],
)
def test_events_of_the_other_mode_are_answered_and_left_out(
    hooked: Settings, key: str, live: bool, ends: dict[str, int]
) -> None:
    with TestClient(create_app(hooked.model_copy(update={"stripe_api_key": SecretStr(key)}))) as client:
        body = json.dumps(EVENT | {"livemode": live}).encode()
        header = {"stripe-signature": stripe_header(body)}
        assert client.post("/webhooks/stripe", content=body, headers=header).status_code == 200
        assert counts(client)["stripe"] == ends
    assert len(on_bus(hooked)) == ends.get("accepted", 0)


def flipped(body: bytes) -> bytes:
    return bytes([body[0] ^ 1]) + body[1:]


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (flipped(ORDER), list(shopify_headers().items())),
        (json.dumps(json.loads(ORDER)).encode(), list(shopify_headers().items())),
        (ORDER, list(shopify_headers(secret="wrong").items())),
        (ORDER, []),
        (ORDER, list(shopify_headers(x_shopify_hmac_sha256="").items())),
        (ORDER, list(shopify_headers(x_shopify_hmac_sha256="0" * 64).items())),
        (ORDER, [*shopify_headers().items(), ("x-shopify-hmac-sha256", "again")]),
    ],
    ids=["flipped bit", "written again", "wrong secret", "no header", "empty header", "hex", "two headers"],
)
def test_what_is_not_signed_is_a_401_that_says_nothing_more(
    hooks: Client, hooked: Settings, body: bytes, headers: list[tuple[str, str]]
) -> None:
    answer = hooks.post("/webhooks/shopify", content=body, headers=headers)
    assert answer.status_code == 401
    assert answer.json() == {"type": "about:blank", "title": "Unauthorized", "status": 401}
    assert on_bus(hooked) == []
    assert counts(hooks)["shopify"] == {"refused": 1}


def test_without_a_secret_everything_is_refused(shop: Settings) -> None:
    with TestClient(create_app(shop)) as client:
        assert client.post("/webhooks/shopify", content=ORDER, headers=shopify_headers(secret="")).status_code == 401
        header = {"stripe-signature": stripe_header(secret="")}
        assert client.post("/webhooks/stripe", content=CHARGE, headers=header).status_code == 401


def test_a_body_over_the_limit_is_a_413(hooks: Client, hooked: Settings) -> None:
    body = b"x" * 2001
    assert hooks.post("/webhooks/shopify", content=body, headers=shopify_headers(body)).status_code == 413
    chunks = hooks.post("/webhooks/shopify", content=iter([b"x" * 1000] * 3), headers=shopify_headers(body))
    assert chunks.status_code == 413
    assert hooks.post("/webhooks/shopify", content=b"x" * 2000, headers=shopify_headers(b"x" * 2000)).status_code == 200
    assert counts(hooks)["shopify"] == {"too_large": 2, "accepted": 1}


def test_a_signed_body_that_is_not_json_is_kept_for_the_dead_letters(hooks: Client, hooked: Settings) -> None:
    header = {"stripe-signature": stripe_header(b"{broken")}
    assert hooks.post("/webhooks/stripe", content=b"{broken", headers=header).status_code == 200
    assert [(entry.event.topic, entry.event.body) for entry in on_bus(hooked)] == [("unreadable", b"{broken")]


def test_a_bus_that_is_down_is_a_503_and_the_next_try_is_kept(hooks: Client, hooked: Settings) -> None:
    with closing(client_of(hooked)) as bus:
        bus.set("boathouse:events", "in the way")
        answer = hooks.post("/webhooks/shopify", content=ORDER, headers=shopify_headers())
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "10"
        assert answer.json()["status"] == 503
        bus.delete("boathouse:events")
    assert hooks.post("/webhooks/shopify", content=ORDER, headers=shopify_headers()).status_code == 200
    assert len(on_bus(hooked)) == 1
    assert counts(hooks)["shopify"] == {"bus_away": 1, "accepted": 1}


def test_a_bus_that_does_not_answer_is_a_503(shop: Settings) -> None:
    nobody = {"bus_url": SecretStr("redis://127.0.0.1:1/0"), "shopify_webhook_secrets": [SecretStr(NEW)]}
    with TestClient(create_app(shop.model_copy(update=nobody))) as client:
        assert client.post("/webhooks/shopify", content=ORDER, headers=shopify_headers()).status_code == 503
