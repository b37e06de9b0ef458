"""Shopify's documents as plain dictionaries, under the field names of admin.graphql."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from infra.sandbox.identifiers import gid, legacy_id, split_gid
from infra.sandbox.noise import Ints
from infra.sandbox.shop import Shop
from infra.sandbox.shopify import inventory, orders, products, promotions
from infra.sandbox.shopify.money import amount, money, timestamps
from infra.sandbox.shopify.references import Reference
from infra.sandbox.shopify.sold import amend

Node = dict[str, Any]


class Nodes:
    """Makes the documents of one shop; a field that leads to another document holds a Reference."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._known = lru_cache(2048)(self._one)
        self._few: dict[str, tuple[int, list[Node]]] = {}

    def one(self, reference: Reference) -> Node:
        """Make the document that a reference leads to, as it is now."""
        return self._known(reference, self.shop.version)

    def orders(self, index: Ints) -> list[Node]:
        """Make the orders with these numbers."""
        found = orders.orders(self.shop, index)
        sold = np.flatnonzero(index >= self.shop.sales.first_order)
        if len(sold):
            amend(self.shop, index[sold], [found[place] for place in sold])
        return found

    def customers(self, index: Ints) -> list[Node]:
        """Make the customers with these numbers."""
        return _customers(self.shop, index)

    def few(self, kind: str) -> list[Node]:
        """Make all documents of a kind of which there are few; again only when somebody changed one."""
        version, made = self._few.get(kind, (-1, []))
        if version != self.shop.edits.version:
            made = FEW[kind](self.shop)
            self._few[kind] = (self.shop.edits.version, made)
        return made

    def many(self, kind: str, index: Ints) -> list[Node]:
        """Make the documents of one kind with these numbers."""
        if kind in FEW:
            found = self.few(kind)
            return [found[i] for i in index.tolist()]
        return self.orders(index) if kind == "Order" else self.customers(index)

    def find(self, identifier: str) -> tuple[str, Node] | None:
        """Find the document with this global id, and its type; nothing when it was deleted."""
        parts = split_gid(identifier)
        if parts is None or not 0 <= parts[1] < self._count(parts[0]) or self._gone(*parts):
            return None
        kind, number = parts
        if kind in _PARTS:
            return self._part(kind, number)
        found = self.one(Reference("DiscountNode" if kind.startswith("Discount") else kind, number))
        return (kind, found) if found.get("id", "").partition("?")[0] == gid(*parts) else None

    def _gone(self, kind: str, number: int) -> bool:
        if kind == "InventoryLevel":
            return inventory.is_gone(self.shop, number)
        named = "DiscountNode" if kind.startswith("Discount") else kind
        return (named, number) in self.shop.edits.removed

    def _part(self, kind: str, number: int) -> tuple[str, Node] | None:
        """Find a refund or a fulfilment in the order that it belongs to, which has its number."""
        if ("Order", number) in self.shop.edits.removed:
            return None
        parts = self.one(Reference("Order", number))[_PARTS[kind]]
        return (kind, parts[0]) if parts else None

    def _count(self, kind: str) -> int:
        counts = {"Order": self.shop.order_count, "Customer": self.shop.customer_count}
        counts |= dict.fromkeys(_PARTS, self.shop.order_count)
        counts |= dict.fromkeys(
            ("Product", "ProductVariant", "InventoryItem", "InventoryLevel"), len(self.shop.products)
        )
        counts |= {"Location": len(inventory.LOCATIONS), "AbandonedCheckout": promotions.checkout_count(self.shop)}
        counts |= dict.fromkeys(("DiscountAutomaticNode", "DiscountCodeNode"), len(promotions.DISCOUNTS))
        return counts.get(kind, self.shop.customer_count if kind == "MailingAddress" else 0)

    def _one(self, reference: Reference, version: int) -> Node:
        kind, index = reference
        if kind == "MailingAddress":
            return _address(self.shop, index)
        if kind == "ProductVariant":
            variant: Node = self.few("Product")[index]["variants"][0]
            return variant
        if kind == "InventoryLevel":
            return inventory.level(self.shop, index)
        return self.many(kind, np.array([index]))[0]


FEW: dict[str, Callable[[Shop], list[Node]]] = {
    "Product": products.products,
    "Location": inventory.locations,
    "InventoryItem": inventory.items,
    "AbandonedCheckout": promotions.checkouts,
    "DiscountNode": promotions.discounts,
}
_PARTS = {"Refund": "refunds", "Fulfillment": "fulfillments"}


def _customers(shop: Shop, index: Ints) -> list[Node]:
    rows = shop.customers(index)
    columns = zip(
        index.tolist(),
        shop.names(index),
        rows.orders.tolist(),
        rows.cents.tolist(),
        timestamps(rows.created),
        timestamps(rows.updated),
        rows.last_order.tolist(),
        strict=True,
    )
    return [_customer(shop, *row) for row in columns]


class _Orders(NamedTuple):
    """The orders of a customer, looked up only when they are asked for."""

    shop: Shop
    customer: int

    def __call__(self) -> list[Reference]:
        return [Reference("Order", number) for number in self.shop.content.orders_of(self.customer)]


def _customer(
    shop: Shop, index: int, name: Any, bought: int, cents: int, created: str, updated: str, last_order: int
) -> Node:
    address = Reference("MailingAddress", index)
    return {
        "id": gid("Customer", index),
        "legacyResourceId": str(legacy_id("Customer", index)),
        "firstName": name.first,
        "lastName": name.last,
        "displayName": name.full,
        "email": name.email,
        "phone": None,
        "defaultEmailAddress": {
            "emailAddress": name.email,
            "validFormat": True,
            "marketingState": "NOT_SUBSCRIBED",
        },
        "defaultPhoneNumber": None,
        "locale": "en",
        "note": None,
        "state": "DISABLED",
        "tags": [],
        "taxExempt": False,
        "verifiedEmail": True,
        "validEmailAddress": True,
        "canDelete": bought == 0,
        "lifetimeDuration": "over 2 years",
        "createdAt": created,
        "updatedAt": updated,
        "numberOfOrders": str(bought),
        "amountSpent": money(amount(cents)),
        "lastOrder": Reference("Order", last_order) if last_order >= 0 else None,
        "defaultAddress": address,
        "addresses": [address],
        "addressesV2": [address],
        "orders": _Orders(shop, index),
    }


def _address(shop: Shop, customer: int) -> Node:
    index = np.array([customer])
    name, home = shop.names(index)[0], shop.addresses(index)[0]
    area = f"{home.city} {home.state_code}, United States"
    return {
        "id": gid("MailingAddress", customer) + "?model_name=CustomerAddress",
        "firstName": name.first,
        "lastName": name.last,
        "name": name.full,
        "company": None,
        "address1": home.street,
        "address2": None,
        "city": home.city,
        "province": home.state,
        "provinceCode": home.state_code,
        "country": "United States",
        "countryCodeV2": "US",
        "zip": home.postal_code,
        "phone": None,
        "latitude": None,
        "longitude": None,
        "formatted": [home.street, f"{home.city} {home.state_code} {home.postal_code}", "United States"],
        "formattedArea": area,
    }
