"""Which webhooks the vendors send about a sale, and how they sign them."""

import base64
import hashlib
import hmac
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import orjson

from infra.sandbox import credentials
from infra.sandbox.selling.baskets import Basket, baskets
from infra.sandbox.selling.rest import order_body, refund_body
from infra.sandbox.selling.sales import Sale
from infra.sandbox.shop import Shop
from infra.sandbox.shopify.admin import VERSION
from infra.sandbox.stripe.sold import events

SHOPIFY_PATH, STRIPE_PATH = "/webhooks/shopify", "/webhooks/stripe"
_JSON = {"Content-Type": "application/json; charset=utf-8"}
_NAMES = uuid.UUID("3c1c9d1e-6d0c-5d0e-9d8a-0b0a7a0f5e11")


@dataclass(frozen=True)
class Webhook:
    """One notification; its body stays the same however often it is sent.

    ``topic`` is Shopify's topic or the Stripe event's type; ``delay`` is how many seconds it waits before it goes out.
    """

    path: str
    body: bytes
    fixed: dict[str, str]
    topic: str = ""
    delay: float = 0.0
    forged: bool = False

    def headers(self) -> dict[str, str]:
        """Give the headers of one try: Stripe signs each anew, with its time; a forged one is signed for another."""
        signed = b"" if self.forged else self.body
        if self.path == STRIPE_PATH:
            return {**self.fixed, "Stripe-Signature": _stripe(signed)}
        return {**self.fixed, "X-Shopify-Hmac-Sha256": _hmac(signed)}


def of_placed(shop: Shop, sales: Sequence[Sale]) -> list[Webhook]:
    """Make Shopify's webhooks about new orders."""
    found = _baskets(shop, sales)
    return [_shopify(shop, "orders/create", basket, orjson.dumps(order_body(shop, basket))) for basket in found]


def of_changed(shop: Shop, sales: Sequence[Sale]) -> list[Webhook]:
    """Make Shopify's webhooks about orders that were cancelled or refunded just now."""
    made = []
    for basket in _baskets(shop, sales):
        body = orjson.dumps(order_body(shop, basket))
        topics = ("orders/cancelled", "orders/updated") if basket.cancelled else ("orders/updated",)
        made += [_shopify(shop, topic, basket, body) for topic in topics]
        made.append(_shopify(shop, "refunds/create", basket, orjson.dumps(refund_body(shop, basket))))
    return made


def of_account(shop: Shop, since: int) -> list[Webhook]:
    """Make Stripe's webhooks about all events from the place ``since`` in the account's books on."""
    made = events(shop, np.array(shop.sales.account.event_numbers[since:], np.int64))
    fixed = {**_JSON, "User-Agent": "Stripe/1.0"}
    return [Webhook(STRIPE_PATH, orjson.dumps(event), fixed, event["type"]) for event in made]


def _baskets(shop: Shop, sales: Sequence[Sale]) -> list[Basket]:
    return baskets(shop, np.array([sale.number for sale in sales], np.int64)) if sales else []


def _shopify(shop: Shop, topic: str, basket: Basket, body: bytes) -> Webhook:
    """Make one; it is signed with the app's client secret over the raw body (shopify.dev, "Verify webhooks")."""
    sale = basket.sale
    happening = f"{shop.seed}/{sale.number}/{sale.updated}"
    headers = {
        "X-Shopify-Topic": topic,
        "X-Shopify-Shop-Domain": credentials.SHOP_DOMAIN,
        "X-Shopify-Webhook-Id": str(uuid.uuid5(_NAMES, f"{happening}/{topic}")),
        "X-Shopify-Event-Id": str(uuid.uuid5(_NAMES, happening)),
        "X-Shopify-Triggered-At": datetime.fromtimestamp(time.time(), UTC).isoformat().replace("+00:00", "Z"),
        "X-Shopify-Api-Version": VERSION,
    }
    return Webhook(SHOPIFY_PATH, body, {**_JSON, **headers}, topic)


def _hmac(body: bytes) -> str:
    digest = hmac.new(credentials.SHOPIFY_CLIENT_SECRET.encode(), body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _stripe(body: bytes) -> str:
    """Sign with the endpoint's secret over the time and the raw body (docs.stripe.com/webhooks/signature)."""
    at = int(time.time())
    signed = hmac.new(credentials.STRIPE_WEBHOOK_SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256)
    return f"t={at},v1={signed.hexdigest()}"
