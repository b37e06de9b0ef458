"""What a connection such as ``orders(query:, sortKey:)`` lists, in order: numbers of documents, not documents."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from infra.sandbox.identifiers import legacy_id
from infra.sandbox.noise import Ints
from infra.sandbox.sequences import chained
from infra.sandbox.shop import Shop
from infra.sandbox.shopify import inventory, promotions
from infra.sandbox.shopify.search import COMPARE, Term, by_id, second, terms, whole
from infra.sandbox.shopify.sold_search import sold_orders

_TIMES = ("created_at", "updated_at", "processed_at")
_ALWAYS = {
    "status": {"any", "closed"},
    "financial_status": {"any", "paid"},
    "fulfillment_status": {"any", "shipped", "fulfilled"},
    "test": {"false"},
    "state": {"disabled"},
}


class Listing(NamedTuple):
    """Numbers of documents, ascending by ``rank`` (what is sorted by, then the number)."""

    kind: str
    numbers: Sequence[int]
    rank: Callable[[int], tuple[int, int]]


class Listings:
    """Finds and sorts the documents of one shop, as they are now."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._found = lru_cache(64)(self._find)

    def find(self, kind: str, query: str | None, sort_key: str) -> Listing:
        """List the documents that match the search, or one of several that OR joins; unknown fields are ignored."""
        one, *others = [self._found(kind, part, sort_key, self.shop.version) for part in (query or "").split(" OR ")]
        if not others:
            return one
        numbers = set(one.numbers).union(*(other.numbers for other in others))
        return one._replace(numbers=sorted(numbers, key=one.rank))

    def _find(self, kind: str, query: str | None, sort_key: str, version: int) -> Listing:
        found = self._matching(kind, query, sort_key)
        return found._replace(numbers=self.shop.edits.left(kind, found.numbers))

    def _matching(self, kind: str, query: str | None, sort_key: str) -> Listing:
        wanted = terms(query)
        if kind == "Order":
            return self._orders(wanted, sort_key)
        if not _always(wanted):
            return Listing(kind, range(0), _by_number)
        if kind != "Customer":
            return self._few(kind, wanted, sort_key)
        if sort_key != "UPDATED_AT":
            return Listing(kind, self._customers(wanted, range(self.shop.customer_count)), _by_number)
        updated = self.shop.customer_times[1]
        numbers = self._customers(wanted, self._customers_by_update())
        return Listing(kind, numbers, lambda number: (int(updated[number]), number))

    def _customers_by_update(self) -> Ints:
        """Sort the customers by their last change: who bought since goes behind everybody else."""
        sales = self.shop.sales
        if not sales.by_customer:
            return self._past_by_update
        updated = self.shop.customer_times[1]
        buyers = np.array(sorted(sales.by_customer), np.int64)
        waiting = np.ones(self.shop.past.customer_count, bool)
        waiting[buyers[buyers < len(waiting)]] = False
        rest = self._past_by_update[waiting[self._past_by_update]]
        return np.concatenate([rest, buyers[np.argsort(updated[buyers], kind="stable")]])

    @cached_property
    def _past_by_update(self) -> Ints:
        return np.argsort(self.shop.past_times[1], kind="stable")

    def _orders(self, wanted: list[Term], sort_key: str) -> Listing:
        """List orders, the past ones before those sold since, which are the only ones that change."""
        sales, first = self.shop.sales, self.shop.sales.first_order
        numbers = self._past_orders(wanted) if _always(wanted) else range(0)
        if not len(sales):
            return Listing("Order", numbers, _by_number)
        sold = sold_orders(sales, wanted)
        if sort_key != "UPDATED_AT":
            return Listing("Order", chained(numbers, sold.tolist()), _by_number)
        updated = sales.updated()
        by_update = sold[np.argsort(updated[sold - first], kind="stable")]
        # A past order ranks by its number, which is far below any time.
        return Listing(
            "Order",
            chained(numbers, by_update.tolist()),
            lambda number: (number if number < first else int(updated[number - first]), number),
        )

    def _past_orders(self, wanted: list[Term]) -> Sequence[int]:
        """List past orders: one is made, processed and last changed at the same time, in the order of the numbers."""
        low, high = 0, self.shop.past.order_count
        numbers = range(high)
        for field, operator, value in wanted:
            if field in _TIMES and (time := second(value)) is not None:
                left = bisect_left(numbers, time, key=self.shop.created_at)
                right = bisect_right(numbers, time, key=self.shop.created_at)
            elif field == "id" and (number := whole(value)) is not None:
                left = min(max(0, number - legacy_id("Order", 0)), len(numbers))
                right = min(left + 1, len(numbers)) if number >= legacy_id("Order", 0) else left
            elif field == "name" and (number := whole(value.lstrip("#"))) is not None:
                left, right = number - 1001, number - 1000
            else:
                continue
            low = max(low, {">=": left, ">": right, "=": left}.get(operator, low))
            high = min(high, {"<=": right, "<": left, "=": right}.get(operator, high))
        return self._of_customer(wanted, numbers[low:high] if low < high else range(0))

    def _of_customer(self, wanted: list[Term], numbers: range) -> Sequence[int]:
        for field, _, value in wanted:
            if field == "customer_id" and (number := whole(value)) is not None:
                customer = number - legacy_id("Customer", 0)
                known = 0 <= customer < self.shop.past.customer_count
                return [n for n in self.shop.past.orders_of(customer) if n in numbers] if known else []
        return numbers

    def _customers(self, wanted: list[Term], numbers: Sequence[int] | Ints) -> Sequence[int]:
        kept = numbers
        for term in wanted:
            if term.field in ("created_at", "updated_at") and (time := second(term.value)) is not None:
                column = self.shop.customer_times[term.field == "updated_at"]
                kept = np.asarray(kept)
                kept = kept[COMPARE[term.operator](column[kept], time)]
            elif term.field == "id":
                kept = by_id(term, "Customer", np.asarray(kept))
        return kept  # type: ignore[return-value]

    def _few(self, kind: str, wanted: list[Term], sort_key: str) -> Listing:
        """List documents of a kind of which there are few."""
        opened = self.shop.content.opened
        if kind == "AbandonedCheckout":
            updated = promotions.checkout_times(self.shop)
        else:
            counts = {"Location": len(inventory.LOCATIONS), "DiscountNode": len(promotions.DISCOUNTS)}
            updated = self.shop.edits.times(kind, counts.get(kind, len(self.shop.products)), opened)
        kept = np.arange(len(updated))
        for term in wanted:
            if term.field in ("created_at", "updated_at") and (time := second(term.value)) is not None:
                column = updated[kept] if term.field == "updated_at" else np.full(len(kept), opened)
                kept = kept[COMPARE[term.operator](column, time)]
            elif term.field == "id":
                kept = by_id(term, kind, kept)
        if sort_key != "UPDATED_AT":
            return Listing(kind, kept.tolist(), _by_number)
        ordered = kept[np.argsort(updated[kept], kind="stable")]
        return Listing(kind, ordered.tolist(), lambda number: (int(updated[number]), number))


def _by_number(number: int) -> tuple[int, int]:
    return number, number


def _always(wanted: list[Term]) -> bool:
    """Say whether what never differs between documents is what is wanted."""
    return all(term.value.lower() in _ALWAYS.get(term.field, {term.value.lower()}) for term in wanted)
