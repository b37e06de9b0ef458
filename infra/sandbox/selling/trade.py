"""A shop's own content and what was sold after it, as one content."""

from collections.abc import Sequence

import numpy as np

from infra.sandbox.content import Content, Customers, Orders
from infra.sandbox.noise import Ints
from infra.sandbox.selling.sales import Sales


class Trade:
    """``content`` followed by ``sales``; without sales it is the content itself."""

    def __init__(self, content: Content, sales: Sales) -> None:
        self.content = content
        self.sales = sales
        self.opened = content.opened

    @property
    def order_count(self) -> int:
        """How many orders there are."""
        return self.content.order_count + len(self.sales)

    @property
    def customer_count(self) -> int:
        """How many customers there are."""
        return self.content.customer_count + len(self.sales.joined)

    @property
    def charged(self) -> Sequence[int]:
        """The content's own orders that were paid with money, ascending."""
        return self.content.charged

    def orders(self, index: Ints) -> Orders:
        """Look up the orders with these numbers."""
        later = index >= self.sales.first_order
        if not later.any():
            return self.content.orders(index)
        known = self.content.orders(index[~later])
        columns = []
        for old, new in zip(known[1:], self.sales.columns(index[later]), strict=True):
            column = np.empty(len(index), np.int64)
            column[~later], column[later] = old, new
            columns.append(column)
        return Orders(index, *columns)

    def customers(self, index: Ints) -> Customers:
        """Look up the customers with these numbers."""
        if not len(self.sales):
            return self.content.customers(index)
        later = index >= self.sales.first_customer
        known = self.content.customers(index[~later])
        columns = []
        for old, start in zip(known[1:], (0, 0, 0, 0, -1), strict=True):
            column = np.full(len(index), start, np.int64)
            column[~later] = old
            columns.append(column)
        self._add(index.tolist(), *columns)
        return Customers(index, *columns)

    def _add(self, index: list[int], orders: Ints, cents: Ints, created: Ints, updated: Ints, last: Ints) -> None:
        for place, customer in enumerate(index):
            bought = self.sales.by_customer.get(customer)
            if not bought:
                continue
            orders[place] += len(bought)
            cents[place] += int(self.sales.columns(np.array(bought))[2].sum())
            updated[place] = self.sales.find(bought[-1]).created
            last[place] = bought[-1]
            if customer >= self.sales.first_customer:
                created[place] = self.sales.joined[customer - self.sales.first_customer]

    def orders_of(self, customer: int) -> list[int]:
        """List the numbers of one customer's orders, ascending."""
        known = self.content.orders_of(customer) if customer < self.sales.first_customer else []
        return known + self.sales.by_customer.get(customer, [])
