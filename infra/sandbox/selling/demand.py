"""Who buys what next: everything about an order but its time follows from the shop's seed and the order's number."""

from collections.abc import Iterator

import numpy as np

from infra.sandbox.noise import draw
from infra.sandbox.selling.currencies import CODES
from infra.sandbox.selling.sales import Fate, Sale
from infra.sandbox.shop import Shop

_THOUSAND = 1_000
CANCELLED, REFUNDED, PARTLY_REFUNDED = 30, 25, 25
"""How many of a thousand orders are cancelled, refunded, and refunded in part."""
DECLINED, FOREIGN, NEW = 20, 100, 150
"""How many of a thousand fail to be paid at first, are paid in another currency, and come from new customers."""
_SOONEST, _SPREAD = 2, 30
_TRIES = 4


def next_sales(shop: Shop, count: int, at: int) -> list[Sale]:
    """Think up the next orders, made at ``at`` (seconds since 1970 UTC), without placing them.

    Nobody buys twice in one second, for the vendors' times would not tell the two states of that customer apart.
    """
    first = shop.order_count
    number = np.arange(first, first + count)
    odds = {
        name: draw(shop.seed, f"sale.{name}", number, _THOUSAND) for name in ("fate", "declined", "foreign", "buyer")
    }
    units = 1 + np.minimum(*(draw(shop.seed, f"sale.units.{n}", number, 6) for n in (1, 2)))
    cents = units * (799 + draw(shop.seed, "sale.price", number, 2_200)) + draw(shop.seed, "sale.odd", number, 40)
    other = CODES[1:]
    currency = np.where(odds["foreign"] < FOREIGN, 1 + draw(shop.seed, "sale.currency", number, len(other)), 0)
    columns = (units, cents, currency, odds["fate"], odds["declined"] < DECLINED)
    buyers = _buyers(shop, odds["buyer"].tolist(), first, at)
    return [
        Sale(n, buyer, u, c, at, CODES[code], declined, _fate(fate, u))
        for n, buyer, u, c, code, fate, declined in zip(
            number.tolist(), buyers, *(column.tolist() for column in columns), strict=True
        )
    ]


def delay(shop: Shop, order: int) -> int:
    """Say how many seconds after an order its fate meets it."""
    return _SOONEST + int(draw(shop.seed, "sale.delay", np.array([order]), _SPREAD)[0])


def _buyers(shop: Shop, odds: list[int], first: int, at: int) -> Iterator[int]:
    """Choose who buys: somebody known who isn't buying this very second, or somebody new."""
    known = newcomer = shop.customer_count
    busy: set[int] = set()
    for order, chance in enumerate(odds, first):
        buyer = newcomer
        if chance >= NEW and known:
            tries = draw(shop.seed, "sale.customer", np.arange(_TRIES) + order * _TRIES, known).tolist()
            free = (one for one in tries if one not in busy and _last_bought(shop, one) < at)
            buyer = next(free, newcomer)
        newcomer += buyer == newcomer
        busy.add(buyer)
        yield buyer


def _last_bought(shop: Shop, customer: int) -> int:
    bought = shop.sales.by_customer.get(customer)
    return shop.sales.find(bought[-1]).created if bought else 0


def _fate(chance: int, units: int) -> Fate:
    if chance < CANCELLED:
        return Fate.CANCELLED
    if chance < CANCELLED + REFUNDED:
        return Fate.REFUNDED
    if chance < CANCELLED + REFUNDED + PARTLY_REFUNDED:
        return Fate.PARTLY_REFUNDED if units > 1 else Fate.REFUNDED
    return Fate.KEPT
