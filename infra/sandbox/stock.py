"""What moved the shop's stock before its first live sale: sales, deliveries and corrections."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from infra.sandbox.identifiers import legacy_id
from infra.sandbox.noise import Ints, draw
from infra.sandbox.shop import Shop

RESTOCKED, CORRECTED = 9_000_000_000_000, 7_000_000_000_000
_FULL, _MOST_LEFT, _MISCOUNT = 60, 6, 200


class Movement(NamedTuple):
    """One row of stock_movements; ``at`` in seconds since 1970 UTC."""

    id: int
    sku: str
    order_id: int | None
    change: int
    reason: str
    at: int


def history(shop: Shop, last_moved: Ints) -> Iterator[list[Movement]]:
    """Yield the movements from the last to the first, some thousand at once; the openings' deliveries come last.

    What is left in the end is known, so a product's stock is followed back in time: where it was above what
    the shelf takes, a delivery had come just before, with few or none left until then. Notes in ``last_moved``
    (seconds since 1970) when each product was last moved.
    """
    stock = shop.on_hand.tolist()
    for numbers in reversed(list(shop.chunks(shop.order_count))):
        orders = shop.orders(numbers)
        lines = shop.lines(orders)
        np.maximum.at(last_moved, lines.first_product, orders.created)
        second = lines.second_units > 0
        np.maximum.at(last_moved, lines.second_product[second], orders.created[second])
        left = draw(shop.seed, "stock.left", numbers, _MOST_LEFT)
        miscounted = draw(shop.seed, "stock.miscount", numbers, _MISCOUNT)
        rows = zip(
            numbers.tolist(),
            zip(lines.second_product.tolist(), lines.second_units.tolist(), strict=True),
            zip(lines.first_product.tolist(), lines.first_units.tolist(), strict=True),
            orders.created.tolist(),
            left.tolist(),
            miscounted.tolist(),
            strict=True,
        )
        found: list[Movement] = []
        for order, other, one, at, few, miscount in reversed(list(rows)):
            for place, (product, units) in ((1, other), (0, one)):
                if units:
                    found += _moved(shop, stock, 2 * order + place, product, units, at, few, miscount)
        yield found
    opened = shop.content.opened
    yield [
        Movement(product.number + 1, product.sku, None, stock[product.number], "restock", opened)
        for product in shop.products
        if stock[product.number]
    ]


def _moved(
    shop: Shop, stock: list[int], line: int, product: int, units: int, at: int, few: int, miscount: int
) -> Iterator[Movement]:
    """Give a line's sale and what moved the product around it, last first, and take them back from ``stock``."""
    sku = shop.products[product].sku
    if miscount < 2:  # One was found, or one is missing.
        change = 1 if miscount and stock[product] else -1
        yield Movement(CORRECTED + line, sku, None, change, "correction", at)
        stock[product] -= change
    order = legacy_id("Order", line // 2)
    yield Movement(len(shop.products) + 1 + line, sku, order, -units, "sale", at)
    stock[product] += units
    if stock[product] > _FULL:
        yield Movement(RESTOCKED + line, sku, None, stock[product] - few, "restock", at)
        stock[product] = few
