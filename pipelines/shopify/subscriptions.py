"""The app's webhook subscriptions: which there are, and those that the live numbers and the fast lane need.

Facts: shopify.dev, mutation webhookSubscriptionCreate and its ``uri`` (since 2025-10, in place of ``callbackUrl``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson

from lake.errors import SettingError, SourceError
from pipelines.shopify.api import Shopify
from pipelines.shopify.pages import MOST, pages
from pipelines.shopify.resources import query_text

TOPICS = {
    "orders": ("ORDERS_CREATE", "ORDERS_UPDATED", "ORDERS_CANCELLED", "ORDERS_DELETE"),
    "customers": ("CUSTOMERS_CREATE", "CUSTOMERS_UPDATE", "CUSTOMERS_DELETE"),
    "products": ("PRODUCTS_CREATE", "PRODUCTS_UPDATE", "PRODUCTS_DELETE"),
    "inventory_items": ("INVENTORY_ITEMS_CREATE", "INVENTORY_ITEMS_UPDATE", "INVENTORY_ITEMS_DELETE"),
    "inventory_levels": ("INVENTORY_LEVELS_CONNECT", "INVENTORY_LEVELS_UPDATE"),
    "locations": tuple(f"LOCATIONS_{what}" for what in ("CREATE", "UPDATE", "ACTIVATE", "DEACTIVATE", "DELETE")),
    "discounts": ("DISCOUNTS_CREATE", "DISCOUNTS_UPDATE", "DISCOUNTS_DELETE"),
    "shop": ("SHOP_UPDATE",),
}
"""The topics of each object; the webhooks of an order tell of its refunds and fulfilments too."""
PATH = "/webhooks/shopify"
TAKEN = "already been taken"


@dataclass(frozen=True)
class Subscription:
    """One subscription: its topic, where it is sent, and whether it was made just now."""

    topic: str
    uri: str
    new: bool = False


def endpoint(address: str) -> str:
    """Complete the address of a Boathouse server, such as ``https://shop.example.com``. Raises SettingError."""
    parts = urlsplit(address.strip())
    if parts.scheme != "https" or not parts.hostname:
        raise SettingError(f"Shopify sends webhooks to an https:// address alone, and '{address}' is none.")
    return parts._replace(path=PATH if parts.path in ("", "/") else parts.path).geturl()


def subscriptions(client: Shopify) -> Iterator[Subscription]:
    """List the app's subscriptions. Raises SourceError."""
    for payload in pages(client, query_text("subscriptions"), "webhookSubscriptions", {}, MOST):
        node = orjson.loads(payload)
        yield Subscription(node["topic"], node["uri"])


def topics(objects: Sequence[str]) -> list[str]:
    """Give the topics of the objects named, of all when none is; those of the shop are always among them."""
    wanted = {*objects, "shop"} if objects else set(TOPICS)
    return [topic for name, these in TOPICS.items() if name in wanted for topic in these]


def subscribe(client: Shopify, address: str, objects: Sequence[str] = ()) -> list[Subscription]:
    """Make what lacks of the objects' topics at an address, and give all of the app's subscriptions.

    It may be done again and again. Raises SettingError for the address, SourceError when Shopify refuses a topic.
    """
    uri = endpoint(address)
    there = list(subscriptions(client))
    lacking = [topic for topic in topics(objects) if Subscription(topic, uri) not in there]
    return there + [_create(client, topic, uri) for topic in lacking]


def _create(client: Shopify, topic: str, uri: str) -> Subscription:
    answer = orjson.loads(client.graphql(query_text("subscribe"), {"topic": topic, "uri": uri}))
    errors = "; ".join(error["message"] for error in answer["data"]["webhookSubscriptionCreate"]["userErrors"])
    if errors and TAKEN not in errors:
        raise SourceError(f"Shopify didn't subscribe {uri} to {topic}: {errors}")
    return Subscription(topic, uri, new=not errors)
