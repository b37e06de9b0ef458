"""What was sold, counted from the sales themselves: the answer that every other count is held against."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import numpy as np

from infra.sandbox.selling.baskets import Basket, baskets
from infra.sandbox.selling.currencies import written
from infra.sandbox.selling.sales import Fate
from infra.sandbox.shop import Shop

_CHUNK = 5_000


def truth(shop: Shop) -> dict[str, Any]:
    """Count the sales: in all, and by minute (UTC) and currency.

    Orders count in the minute they were processed, with their subtotal in the shop's currency; refunds in the minute
    they were made, with their amount in the currency that was charged. Amounts are text, in whole units.
    """
    minutes: dict[tuple[int, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    totals: dict[str, int] = defaultdict(int)
    first = shop.sales.first_order
    for start in range(first, first + len(shop.sales), _CHUNK):
        numbers = np.arange(start, min(start + _CHUNK, first + len(shop.sales)))
        for basket in baskets(shop, numbers):
            _add(minutes, basket)
            _total(totals, basket)
    rows = [_row(minute, currency, sums) for (minute, currency), sums in sorted(minutes.items())]
    return {"minutes": rows, "totals": _totals(shop, totals)}


def _add(minutes: dict[tuple[int, str], dict[str, int]], basket: Basket) -> None:
    sale = basket.sale
    placed = minutes[sale.created // 60 * 60, "USD"]
    placed["orders"] += 1
    placed["units"] += sale.units
    placed["net"] += sale.cents
    if sale.changed:
        given = minutes[sale.changed // 60 * 60, sale.currency]
        given["refunds"] += 1
        given["refunded"] += basket.refund_shown


def _total(totals: dict[str, int], basket: Basket) -> None:
    sale = basket.sale
    totals["orders"] += 1
    totals["units"] += sale.units
    totals["net"] += sale.cents
    totals["declined"] += sale.declined
    totals["foreign"] += sale.currency != "USD"
    if sale.changed:
        totals["refunds"] += 1
        totals["refunded"] += basket.refund_cents
        totals["cancelled"] += sale.fate is Fate.CANCELLED
        totals["partly"] += sale.fate is Fate.PARTLY_REFUNDED


def _row(minute: int, currency: str, sums: dict[str, int]) -> dict[str, Any]:
    return {
        "minute": datetime.fromtimestamp(minute, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "currency": currency,
        "orders": sums["orders"],
        "units": sums["units"],
        "net_revenue": written(sums["net"], "USD"),
        "refunds": sums["refunds"],
        "refunded": written(sums["refunded"], currency),
    }


def _totals(shop: Shop, totals: dict[str, int]) -> dict[str, Any]:
    return {
        "orders": totals["orders"],
        "units": totals["units"],
        "net_revenue": written(totals["net"], "USD"),
        "new_customers": len(shop.sales.joined),
        "cancelled": totals["cancelled"],
        "refunds": totals["refunds"],
        "partial_refunds": totals["partly"],
        "refunded": written(totals["refunded"], "USD"),
        "failed_payments": totals["declined"],
        "foreign_payments": totals["foreign"],
        "pending": len(shop.sales.pending()),
    }
