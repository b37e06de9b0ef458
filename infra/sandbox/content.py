"""The compact columns that all the shop's documents are made from."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from infra.sandbox.noise import Ints


class Orders(NamedTuple):
    """Some orders, as columns; ``created`` in seconds since 1970 UTC, ``cents`` of a US dollar."""

    number: Ints
    customer: Ints
    units: Ints
    cents: Ints
    created: Ints


class Customers(NamedTuple):
    """Some customers, as columns; ``last_order`` is -1 for one who never bought."""

    number: Ints
    orders: Ints
    cents: Ints
    created: Ints
    updated: Ints
    last_order: Ints


class Content(Protocol):
    """What a shop sold to whom; orders are numbered from 0 by when they were made, customers by when they came."""

    opened: int
    """When the shop opened, in seconds since 1970 UTC, before everything else."""

    @property
    def order_count(self) -> int:
        """How many orders there are."""
        ...

    @property
    def customer_count(self) -> int:
        """How many customers there are."""
        ...

    @property
    def charged(self) -> Sequence[int]:
        """The orders that were paid with money, ascending."""
        ...

    def orders(self, index: Ints) -> Orders:
        """Look up the orders with these numbers."""
        ...

    def customers(self, index: Ints) -> Customers:
        """Look up the customers with these numbers."""
        ...

    def orders_of(self, customer: int) -> list[int]:
        """List the numbers of one customer's orders, ascending."""
        ...
