"""The shop's figures by month, added up from what it sold and not from its documents: what a gold layer must find."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import numpy as np

from infra.sandbox.history import ZONE
from infra.sandbox.selling.baskets import baskets
from infra.sandbox.selling.currencies import shown, written
from infra.sandbox.selling.sales import Fate
from infra.sandbox.selling.terms import NAMES, PLAIN, Terms
from infra.sandbox.shop import Shop
from infra.sandbox.stripe.documents import AVAILABLE_IN, fee
from infra.sandbox.stripe.payments import dispute_numbers, disputed_at

_WEEK = 7 * 86_400
Sums = dict[tuple[str, str], Counter[str]]
"""By month (yyyy-mm, in the shop's zone) and currency: amounts in the currency's smallest unit, and counts."""


class Sold(NamedTuple):
    """One order: goods in cents and as the customer saw them, and what was given back of it, if anything."""

    number: int
    customer: int
    created: int
    currency: str
    cents: int
    goods: int
    off: int
    units: int
    terms: Terms
    declined: bool = False
    changed: int = 0
    back: tuple[int, int, int] = (0, 0, 0)
    back_shown: tuple[int, int, int] = (0, 0, 0)

    @property
    def extras(self) -> tuple[int, int]:
        """Tax and shipping, in cents."""
        return (self.cents * self.terms.tax + 50) // 100, self.terms.shipping

    @property
    def extras_shown(self) -> tuple[int, int]:
        """The same as the customer saw them."""
        tax, shipping = self.extras
        return shown(tax, self.currency), shown(shipping, self.currency)


def statement(shop: Shop) -> dict[str, Any]:
    """Add up sales, charges, payouts, disputes and cohorts; amounts are text, in whole units."""
    orders = list(_orders(shop))
    counted = [order for order in orders if not order.terms.test]
    return {
        "sales": _rows(_sales(counted, in_dollars=True)),
        "presentment": _rows(_sales(counted, in_dollars=False)),
        "payments": _rows(_payments(orders)),
        "payouts": _rows(_payouts(shop, orders)),
        "disputes": _rows(_disputes(shop, orders)),
        "discounts": _discounts(counted),
        "cohorts": _cohorts(order for order in counted if not order.terms.guest),
        "email_cohorts": _cohorts(counted),
    }


def month_of(second: int) -> str:
    """Say which month a second falls in, in the shop's zone."""
    return datetime.fromtimestamp(second, UTC).astimezone(ZONE).strftime("%Y-%m")


def _orders(shop: Shop) -> Iterator[Sold]:
    for numbers in shop.chunks(shop.past.order_count):
        rows = shop.orders(numbers)
        for number, customer, units, cents, created in zip(*(row.tolist() for row in rows), strict=True):
            yield Sold(number, customer, created, "USD", cents, cents, 0, units, PLAIN)
    first = shop.sales.first_order
    for basket in baskets(shop, np.arange(first, first + len(shop.sales))) if len(shop.sales) else ():
        sale, terms = basket.sale, basket.terms
        goods = sum(line.units * shown(line.price, sale.currency) for line in basket.lines)
        order = Sold(
            sale.number, sale.customer, sale.created, sale.currency, sale.cents, goods,
            sale.units * terms.off, sale.units, terms, sale.declined, sale.changed,
        )  # fmt: skip
        if sale.changed and sale.fate is Fate.PARTLY_REFUNDED:
            price = basket.lines[0].price
            tax = price * order.extras[0] // sale.cents
            back = (price, tax, 0)
            order = order._replace(back=back, back_shown=(shown(price, sale.currency), shown(tax, sale.currency), 0))
        elif sale.changed:
            order = order._replace(back=(sale.cents, *order.extras), back_shown=(goods, *order.extras_shown))
        yield order


def _sales(orders: list[Sold], *, in_dollars: bool) -> Sums:
    sums: Sums = defaultdict(Counter)
    for order in orders:
        currency = "USD" if in_dollars else order.currency
        goods, off = (order.cents, order.off) if in_dollars else (order.goods, _off_shown(order))
        tax, shipping = order.extras if in_dollars else order.extras_shown
        sums[month_of(order.created), currency].update(
            orders=1, gross=goods + off, discounts=off, net_sales=goods, tax=tax, shipping=shipping
        )
        if order.changed:
            back, tax, shipping = order.back if in_dollars else order.back_shown
            sums[month_of(order.changed), currency].update(
                refunds=1, returns=back, net_sales=-back, tax=-tax, shipping=-shipping
            )
    return sums


def _off_shown(order: Sold) -> int:
    return shown(order.terms.off, order.currency) * order.units


def _total(order: Sold) -> int:
    return order.cents + sum(order.extras)


def _payments(orders: list[Sold]) -> Sums:
    """Count the charges that succeeded and failed, and refunds, in the customer's currency; fees are in dollars."""
    sums: Sums = defaultdict(Counter)
    for order in orders:
        if not order.cents:
            continue
        amount, month = order.goods + sum(order.extras_shown), month_of(order.created)
        sums[month, order.currency].update(charges=1, charged=amount, failed=int(order.declined))
        sums[month, "USD"].update(fees=fee(_total(order)))
        if order.changed:
            sums[month_of(order.changed), order.currency].update(given_back=1, refunded=sum(order.back_shown))
    return sums


def _payouts(shop: Shop, orders: list[Sold]) -> Sums:
    """Pay out what becomes available in each week since the opening; what was sold live isn't."""
    weeks: Counter[int] = Counter()
    last = shop.sales.first_order + shop.busy
    for order in orders:
        if order.cents and order.number < last:
            ready = order.created + AVAILABLE_IN
            weeks[(ready - shop.past.opened - 1) // _WEEK] += _total(order) - fee(_total(order))
            if order.changed:
                weeks[(order.changed - shop.past.opened - 1) // _WEEK] -= sum(order.back)
    sums: Sums = defaultdict(Counter)
    for week, cents in weeks.items():
        sums[month_of(shop.past.opened + (week + 1) * _WEEK), "USD"].update(paid_out=cents)
    return sums


def _disputes(shop: Shop, orders: list[Sold]) -> Sums:
    sums: Sums = defaultdict(Counter)
    known = {order.number: order for order in orders}
    for number in dispute_numbers(shop):
        order = known[number]
        amount = order.goods + sum(order.extras_shown)
        sums[month_of(disputed_at(shop, number)), order.currency].update(disputes=1, disputed=amount)
    return sums


def _discounts(orders: list[Sold]) -> list[dict[str, Any]]:
    used: Counter[int] = Counter()
    taken: Counter[int] = Counter()
    for order in orders:
        if order.terms.discount:
            used[order.terms.discount] += 1
            taken[order.terms.discount] += order.off
    return [
        {"title": NAMES[one], "orders": count, "amount": written(taken[one], "USD")}
        for one, count in sorted(used.items())
    ]


def _cohorts(orders: Any) -> list[dict[str, Any]]:
    """Count the customers by the month of their first order; an e-mail address is a customer's own."""
    firsts: dict[int, int] = {}
    for order in orders:
        firsts[order.customer] = min(order.created, firsts.get(order.customer, order.created))
    return [
        {"month": month, "customers": count}
        for month, count in sorted(Counter(month_of(at) for at in firsts.values()).items())
    ]


def _rows(sums: Sums) -> list[dict[str, Any]]:
    counts = {"orders", "refunds", "charges", "failed", "given_back", "disputes"}
    return [
        {"month": month, "currency": currency}
        | {name: value if name in counts else _written(value, currency) for name, value in sorted(found.items())}
        for (month, currency), found in sorted(sums.items())
    ]


def _written(smallest: int, currency: str) -> str:
    return f"-{written(-smallest, currency)}" if smallest < 0 else written(smallest, currency)
