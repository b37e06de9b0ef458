"""The shop as a whole: what it sold and everything invented around it. Every document is made from this object."""

import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np

from infra.sandbox import people, products
from infra.sandbox.content import Content, Customers, Orders
from infra.sandbox.edits import Edits
from infra.sandbox.history import History
from infra.sandbox.noise import Ints, draw
from infra.sandbox.selling.sales import Sales
from infra.sandbox.selling.terms import PLAIN, Terms, terms
from infra.sandbox.selling.trade import Trade
from infra.sandbox.synthetic import Synthetic

CHUNK = 2_000
_RESERVE_LEAST, _RESERVE_SPREAD = 20, 180


class Lines(NamedTuple):
    """The one or two line items of some orders; ``second_units`` is 0 where there is one. Prices in cents a unit."""

    first_product: Ints
    first_units: Ints
    first_price: Ints
    second_product: Ints
    second_units: Ints
    second_price: Ints


class Shop:
    """A shop with the CDNOW history, or with ``orders`` synthetic orders; the same for the same seed, always.

    What it sells from then on is in ``sales``, and kept in the file ``journal`` if there is one; what is deleted or
    saved again is in ``edits``.
    """

    def __init__(self, seed: int, orders: int = 0, journal: Path | None = None) -> None:
        self.seed = seed
        self.skew = 0.0
        self.past: Content = Synthetic(seed, orders) if orders else History(seed)
        self.busy = 0
        self.busy_movements = 0
        self.sales = Sales(self.past.order_count, self.past.customer_count)
        self.edits = Edits()
        self.content: Content = Trade(self.past, self.sales)
        self._times: tuple[int, Ints, Ints] | None = None
        self.products = products.products(seed)
        if journal:
            self.sales.keep(journal)

    def now(self) -> float:
        """Give the time by the shop's clock, in seconds since 1970 UTC; it is ``skew`` seconds ahead."""
        return time.time() + self.skew

    @property
    def version(self) -> int:
        """A number that rises with everything that changes in the shop."""
        return self.sales.version + self.edits.version

    @property
    def order_count(self) -> int:
        """How many orders there are."""
        return self.content.order_count

    @property
    def customer_count(self) -> int:
        """How many customers there are."""
        return self.content.customer_count

    def orders(self, index: Ints) -> Orders:
        """Look up the orders with these numbers."""
        return self.content.orders(index)

    def customers(self, index: Ints) -> Customers:
        """Look up the customers with these numbers."""
        return self.content.customers(index)

    def terms(self, order: int) -> Terms:
        """Say on what terms an order was sold; what the busy trade didn't sell has none."""
        first = self.sales.first_order
        return terms(self.seed, order) if first <= order < first + self.busy else PLAIN

    def created_at(self, order: int) -> int:
        """Say when an order was made, in seconds since 1970 UTC."""
        return int(self.orders(np.array([order])).created[0])

    def names(self, customer: Ints) -> list[people.Name]:
        """Invent the names of these customers."""
        return people.names(self.seed, customer)

    def addresses(self, customer: Ints) -> list[people.Address]:
        """Invent the addresses of these customers."""
        return people.addresses(self.seed, customer)

    def cards(self, customer: Ints) -> list[people.Card]:
        """Invent the cards of these customers."""
        return people.cards(self.seed, customer)

    def lines(self, orders: Orders) -> Lines:
        """Split each order into line items whose units and prices sum exactly to the order's.

        What doesn't divide evenly goes to a second line at one cent more a unit.
        """
        price, odd = orders.cents // orders.units, orders.cents % orders.units
        count = len(self.products)
        first = draw(self.seed, "line.first", orders.number, count)
        second = (first + 1 + draw(self.seed, "line.second", orders.number, count - 1)) % count
        return Lines(first, orders.units - odd, price, second, odd, price + 1)

    def chunks(self, count: int, size: int = CHUNK) -> Iterator[Ints]:
        """Cut the numbers from 0 to ``count`` into arrays of at most ``size``."""
        for start in range(0, count, size):
            yield np.arange(start, min(start + size, count))

    @property
    def customer_times(self) -> tuple[Ints, Ints]:
        """When each customer came and last changed, in seconds since 1970 UTC."""
        sales = self.sales
        if self._times and self._times[0] == sales.version:
            return self._times[1:]
        created = np.concatenate([self.past_times[0], np.array(sales.joined, np.int64)])
        updated = np.concatenate([self.past_times[1], np.array(sales.joined, np.int64)])
        buyers = {customer: sales.find(bought[-1]).created for customer, bought in sales.by_customer.items()}
        updated[list(buyers)] = list(buyers.values())
        self._times = (sales.version, created, updated)
        return created, updated

    @cached_property
    def past_times(self) -> tuple[Ints, Ints]:
        """The same of the customers before the first sale."""
        parts = [self.past.customers(index) for index in self.chunks(self.past.customer_count, 50_000)]
        empty = [np.zeros(0, np.int64)]
        created = np.concatenate(empty + [part.created for part in parts])
        return created, np.concatenate(empty + [part.updated for part in parts])

    @cached_property
    def sold(self) -> Ints:
        """How many of each product were sold before the first sale."""
        total = np.zeros(len(self.products), np.int64)
        for index in self.chunks(self.past.order_count, 50_000):
            lines = self.lines(self.orders(index))
            total += np.bincount(lines.first_product, lines.first_units, len(total)).astype(np.int64)
            total += np.bincount(lines.second_product, lines.second_units, len(total)).astype(np.int64)
        return total

    @cached_property
    def on_hand(self) -> Ints:
        """How many of each product were left before the first sale: what was bought in less what was sold."""
        return _RESERVE_LEAST + draw(self.seed, "stock.reserve", np.arange(len(self.products)), _RESERVE_SPREAD)
