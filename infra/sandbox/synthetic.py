"""Any number of invented orders, each computed from its number alone, so that none needs to be kept."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from infra.sandbox.content import Customers, Orders
from infra.sandbox.noise import Ints, draw

# 16 orders in a row (a block) go to customers of five kinds, who buy 7, 4, 2, 2 and once. A slot's lag, in
# sixteenths of the history, says from how many blocks before the customer is taken, so purchases spread over it.
_BLOCK = 16
_KIND = np.array([0, 1, 0, 2, 0, 3, 1, 0, 4, 0, 1, 2, 0, 3, 1, 0])
_LAG = np.array([0, 0, 2, 0, 4, 0, 3, 6, 0, 8, 7, 6, 10, 9, 11, 13])
_KINDS = 5
_SLOTS = 7
_SLOT_OF = np.full((_KINDS, _SLOTS), -1)
for _kind in range(_KINDS):
    _slots = np.flatnonzero(_kind == _KIND)
    _SLOT_OF[_kind, : len(_slots)] = _slots


class Synthetic:
    """``count`` orders spread evenly over the two years that end on 30 June 2025, and the customers who made them."""

    ends = int(datetime(2025, 7, 1, tzinfo=UTC).timestamp())
    starts = int(datetime(2023, 7, 1, tzinfo=UTC).timestamp())
    opened = int(datetime(2023, 3, 31, 9, tzinfo=UTC).timestamp())
    joins = int(datetime(2023, 4, 1, tzinfo=UTC).timestamp())

    def __init__(self, seed: int, count: int) -> None:
        self.seed = seed
        self.order_count = count
        self._blocks = max(1, -(-count // _BLOCK))
        self.customer_count = self._blocks * _KINDS if count else 0
        self.charged: Sequence[int] = range(count)

    def orders(self, index: Ints) -> Orders:
        """Compute the orders with these numbers."""
        block, slot = index // _BLOCK, index % _BLOCK
        customer = (block - self._lag(slot)) % self._blocks * _KINDS + _KIND[slot]
        units = 1 + np.minimum(*(draw(self.seed, f"order.units.{n}", index, 6) for n in (1, 2)))
        cents = units * (799 + draw(self.seed, "order.price", index, 2200)) + draw(self.seed, "order.odd", index, 40)
        return Orders(index, customer, units, cents, self._created(index))

    def customers(self, index: Ints) -> Customers:
        """Compute the customers with these numbers from their (at most seven) orders."""
        made = self._made_by(index)
        orders = self.orders(np.maximum(made, 0).ravel())
        exists = made >= 0
        cents = np.where(exists, orders.cents.reshape(made.shape), 0).sum(axis=1)
        joined = self.joins + index * (self.starts - self.joins) // max(1, self.customer_count)
        last = made.max(axis=1)
        updated = np.where(last >= 0, self._created(np.maximum(last, 0)), joined)
        return Customers(index, exists.sum(axis=1), cents, joined, updated, last)

    def orders_of(self, customer: int) -> list[int]:
        """List the numbers of one customer's orders, ascending."""
        return sorted(number for number in self._made_by(np.array([customer]))[0].tolist() if number >= 0)

    def _made_by(self, customer: Ints) -> Ints:
        """Compute the order numbers of each customer: one row a customer, -1 where there is none."""
        slot = _SLOT_OF[customer % _KINDS]
        block = (customer[:, None] // _KINDS + self._lag(np.maximum(slot, 0))) % self._blocks
        number = block * _BLOCK + slot
        return np.where((slot >= 0) & (number < self.order_count), number, -1)

    def _lag(self, slot: Ints) -> Ints:
        return _LAG[slot] * self._blocks // 16

    def _created(self, index: Ints) -> Ints:
        span = self.ends - self.starts
        room = max(1, span // max(1, self.order_count))
        return self.starts + index * span // max(1, self.order_count) + draw(self.seed, "order.time", index, room)
