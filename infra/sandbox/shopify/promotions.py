"""Discounts, and the checkouts that customers left before they paid."""

from typing import Any

import numpy as np

from infra.sandbox.identifiers import gid
from infra.sandbox.noise import draw
from infra.sandbox.shop import Shop
from infra.sandbox.shopify.money import ZERO, amount, bag, stamp
from infra.sandbox.shopify.references import Reference

Node = dict[str, Any]

DISCOUNTS = (
    ("Automatic", "FreeShipping", "Free shipping"),
    ("Code", "Basic", "WELCOME10"),
    ("Code", "Bxgy", "TWOFORONE"),
)
CHECKOUTS = 12
_DAY = 86_400


def discounts(shop: Shop) -> list[Node]:
    """Make the discounts, which have run since the shop opened."""
    times = shop.edits.times("DiscountNode", len(DISCOUNTS), shop.content.opened).tolist()
    opened = stamp(shop.content.opened)
    return [
        {
            "id": gid(f"Discount{way}Node", number),
            "discount": {
                "__typename": f"Discount{way}{what}",
                "title": title,
                "status": "ACTIVE",
                "startsAt": opened,
                "endsAt": None,
                "createdAt": opened,
                "updatedAt": stamp(times[number]),
                "asyncUsageCount": 0,
                "usageLimit": None,
            },
        }
        for number, (way, what, title) in enumerate(DISCOUNTS)
    ]


def checkouts(shop: Shop) -> list[Node]:
    """Make the abandoned checkouts: one a day from the opening on, each of a customer, with one to three lines."""
    count = checkout_count(shop)
    numbers = np.arange(count)
    customers = draw(shop.seed, "checkout.customer", numbers, max(1, shop.past.customer_count)).tolist()
    sizes = (1 + draw(shop.seed, "checkout.lines", numbers, 3)).tolist()
    times = checkout_times(shop)
    return [_checkout(shop, number, customers[number], sizes[number], int(times[number])) for number in range(count)]


def checkout_count(shop: Shop) -> int:
    """Say how many checkouts were abandoned."""
    return CHECKOUTS if shop.past.customer_count else 0


def checkout_times(shop: Shop) -> Any:
    """Say when each checkout last changed."""
    made = shop.content.opened + _DAY * (1 + np.arange(checkout_count(shop)))
    return np.maximum(made, shop.edits.times("AbandonedCheckout", len(made), 0))


def _checkout(shop: Shop, number: int, customer: int, size: int, updated: int) -> Node:
    places = np.arange(3 * number, 3 * number + size)
    chosen = draw(shop.seed, "checkout.product", places, len(shop.products)).tolist()
    total = bag(amount(sum(shop.products[product].price for product in chosen)))
    return {
        "id": gid("AbandonedCheckout", number),
        "name": f"#{1_000_001 + number}",
        "createdAt": stamp(shop.content.opened + _DAY * (1 + number)),
        "updatedAt": stamp(updated),
        "completedAt": None,
        "discountCodes": [],
        "customer": Reference("Customer", customer),
        "subtotalPriceSet": total,
        "totalPriceSet": total,
        "totalTaxSet": ZERO,
        "totalDiscountSet": ZERO,
        "lineItems": [_line(shop, int(place), product) for place, product in zip(places, chosen, strict=True)],
    }


def _line(shop: Shop, place: int, product: int) -> Node:
    sold = shop.products[product]
    return {
        "id": gid("AbandonedCheckoutLineItem", place),
        "title": sold.title,
        "sku": sold.sku,
        "quantity": 1,
        "product": Reference("Product", product),
        "variant": Reference("ProductVariant", product),
        "originalUnitPriceSet": bag(amount(sold.price)),
    }
