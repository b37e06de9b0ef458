"""A busy trade in the past: orders sold, cancelled and refunded over nine months, the same for the same seed."""

import heapq
from pathlib import Path

import numpy as np

from infra.sandbox.noise import draw
from infra.sandbox.selling.demand import next_sales
from infra.sandbox.selling.sales import Fate
from infra.sandbox.shop import Shop

_DAY = 86_400
MONTHS = 270 * _DAY
"""How long the trade lasts, in seconds."""
_SLOWEST = 40
"""Days until an order's fate meets it, at most."""


def open_shop(seed: int, orders: int = 0, busy: int = 0, journal: Path | None = None) -> Shop:
    """Open a shop that has sold ``busy`` orders on terms of their own since its history; then what a journal keeps."""
    shop = Shop(seed, orders)
    if busy:
        shop.busy = busy
        trade(shop, busy)
        shop.busy_movements = len(shop.sales.account.movements)
    if journal:
        shop.sales.keep(journal)
    return shop


def trade(shop: Shop, count: int) -> None:
    """Let the shop sell ``count`` orders, spread evenly over nine months from the day after its last one."""
    last = shop.created_at(shop.order_count - 1) if shop.order_count else shop.past.opened
    begins = (last // _DAY + 1) * _DAY
    due: list[tuple[int, int]] = []
    for place in range(count):
        at = begins + place * MONTHS // count
        _meet(shop, due, at)
        sales = next_sales(shop, 1, at)
        shop.sales.place(sales)
        for sale in sales:
            if sale.fate is not Fate.KEPT:
                days = 1 + int(draw(shop.seed, "busy.delay", np.array([sale.number]), _SLOWEST)[0])
                heapq.heappush(due, (at + days * _DAY + 1, sale.number))
    _meet(shop, due, begins + MONTHS + (_SLOWEST + 2) * _DAY)


def _meet(shop: Shop, due: list[tuple[int, int]], until: int) -> None:
    while due and due[0][0] <= until:
        at, number = heapq.heappop(due)
        shop.sales.change([number], at)
