"""What was sold since the shop's own content ends: one row an order, and what became of it."""

import threading
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

import numpy as np

from infra.sandbox.noise import Ints
from infra.sandbox.selling.account import Account
from infra.sandbox.selling.currencies import CODES
from infra.sandbox.selling.journal import Journal

_WIDTH = 8
_CUSTOMER, _UNITS, _CENTS, _CREATED, _CURRENCY, _DECLINED, _FATE, _CHANGED = range(_WIDTH)


class Fate(IntEnum):
    """What becomes of an order some seconds after it was placed; a cancelled one is refunded as well."""

    KEPT = 0
    CANCELLED = 1
    REFUNDED = 2
    PARTLY_REFUNDED = 3


class Sale(NamedTuple):
    """One order; times in seconds since 1970 UTC, ``changed`` 0 until its fate has met it, ``cents`` of a US dollar.

    ``currency`` is what the customer pays in; ``declined`` says that the first payment failed.
    """

    number: int
    customer: int
    units: int
    cents: int
    created: int
    currency: str
    declined: bool
    fate: Fate
    changed: int = 0

    @property
    def updated(self) -> int:
        """When the order last changed."""
        return self.changed or self.created


class Sales:
    """The orders from number ``first_order`` on; customers from ``first_customer`` on came with them.

    What is placed or changed is in the journal before anybody sees it. ``lock`` keeps readers from seeing half of it.
    """

    def __init__(self, first_order: int, first_customer: int) -> None:
        self.first_order = first_order
        self.first_customer = first_customer
        self.lock = threading.RLock()
        self.version = 0
        self.account = Account(first_order, first_customer)
        self.joined: list[int] = []
        self.by_customer: dict[int, list[int]] = {}
        self._rows = np.zeros((64, _WIDTH), np.int64)
        self._count = 0
        self._journal: Journal | None = None

    def keep(self, journal: Path) -> None:
        """Take in what a journal holds, and keep there whatever is placed or changed from now on."""
        self._journal = Journal(journal)
        for entry in self._journal.read():
            if len(entry) == 2:
                self._change(*entry)
            else:
                self._place(entry)

    def __len__(self) -> int:
        """Count the orders."""
        return self._count

    def find(self, number: int) -> Sale:
        """Look up one order by its number in the shop."""
        row: list[int] = self._rows[number - self.first_order].tolist()
        customer, units, cents, created, currency, declined, fate, changed = row
        return Sale(number, customer, units, cents, created, CODES[currency], bool(declined), Fate(fate), changed)

    def columns(self, numbers: Ints) -> tuple[Ints, Ints, Ints, Ints]:
        """Look up customer, units, cents and created of these orders."""
        rows = self._rows[numbers - self.first_order]
        return rows[:, _CUSTOMER], rows[:, _UNITS], rows[:, _CENTS], rows[:, _CREATED]

    def created(self) -> Ints:
        """Say when each order was made."""
        return self._rows[: self._count, _CREATED].copy()

    def updated(self) -> Ints:
        """Say when each order last changed."""
        rows = self._rows[: self._count]
        return np.where(rows[:, _CHANGED] > 0, rows[:, _CHANGED], rows[:, _CREATED])

    def fates(self) -> Ints:
        """Say what has become of each order by now."""
        rows = self._rows[: self._count]
        return np.where(rows[:, _CHANGED] > 0, rows[:, _FATE], Fate.KEPT)

    def pending(self) -> list[Sale]:
        """List the orders whose fate hasn't met them yet."""
        rows = self._rows[: self._count]
        waiting = np.flatnonzero((rows[:, _FATE] != Fate.KEPT) & (rows[:, _CHANGED] == 0))
        return [self.find(self.first_order + int(place)) for place in waiting]

    def place(self, sales: Sequence[Sale]) -> None:
        """Add orders, numbered on from the last, at times that never fall."""
        entries = [[*sale[1:5], CODES.index(sale.currency), int(sale.declined), int(sale.fate)] for sale in sales]
        with self.lock:
            if self._journal:
                self._journal.write(entries)
            for entry in entries:
                self._place(entry)

    def change(self, numbers: Sequence[int], at: int) -> list[Sale]:
        """Let these orders meet their fate at a time later than they were made; give them as they are now."""
        with self.lock:
            if self._journal:
                self._journal.write([[number - self.first_order, at] for number in numbers])
            for number in numbers:
                self._change(number - self.first_order, at)
            return [self.find(number) for number in numbers]

    def _place(self, entry: list[int]) -> None:
        if self._count == len(self._rows):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        self._rows[self._count, :_CHANGED] = entry
        self._count += 1
        self.version += 1
        sale = self.find(self.first_order + self._count - 1)
        newcomer = sale.customer == self.first_customer + len(self.joined)
        if newcomer:
            self.joined.append(sale.created)
        self.by_customer.setdefault(sale.customer, []).append(sale.number)
        self.account.placed(sale.number, sale.customer if newcomer else None, sale.declined, sale.created)

    def _change(self, place: int, at: int) -> None:
        self._rows[place, _CHANGED] = at
        self.version += 1
        self.account.refunded(self.first_order + place, at)
