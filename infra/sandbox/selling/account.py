"""The Stripe account's books: which charges, refunds, movements and events the sales have led to, oldest first."""

from typing import NamedTuple

_PLACES = 24
"""Bits of an event's number that count; those above are its time, so that no two shops' events share an id."""


class Charge(NamedTuple):
    """A try to be paid for an order."""

    order: int
    declined: bool


class Movement(NamedTuple):
    """A movement of the balance: an order's charge or its refund."""

    order: int
    refund: bool


class Happening(NamedTuple):
    """An event: its type, its time, and the number of the object that it is about."""

    kind: str
    created: int
    subject: int


class Account:
    """The books; numbers of charges and movements go on from the shop's own orders, refunds and events have their own.

    ``charge_of``, ``refund_of``, ``movement_of`` lead from an order to its objects' numbers.
    """

    def __init__(self, first: int, first_customer: int) -> None:
        self.first = first
        self.first_customer = first_customer
        self.charges: list[Charge] = []
        self.refunds: list[int] = []
        self.movements: list[Movement] = []
        self.events: list[Happening] = []
        self.event_numbers: list[int] = []
        self.charge_of: dict[int, int] = {}
        self.refund_of: dict[int, int] = {}
        self.movement_of: dict[Movement, int] = {}

    def placed(self, order: int, newcomer: int | None, declined: bool, at: int) -> None:
        """Book the charges of a new order, a declined one first, after its customer if that one is new."""
        if newcomer is not None:
            self._happened("customer.created", at, newcomer)
        if declined:
            self._happened("charge.failed", at, self._charge(order, declined=True))
        self.charge_of[order] = self._charge(order, declined=False)
        self._move(order, refund=False)
        self._happened("charge.succeeded", at, self.charge_of[order])

    def refunded(self, order: int, at: int) -> None:
        """Book an order's refund."""
        self.refund_of[order] = len(self.refunds)
        self.refunds.append(order)
        self._move(order, refund=True)
        self._happened("refund.created", at, self.refund_of[order])
        self._happened("charge.refunded", at, self.charge_of[order])

    def event(self, number: int) -> Happening:
        """Find an event by its number."""
        return self.events[number & (1 << _PLACES) - 1]

    def _charge(self, order: int, *, declined: bool) -> int:
        self.charges.append(Charge(order, declined))
        return self.first + len(self.charges) - 1

    def _move(self, order: int, *, refund: bool) -> None:
        movement = Movement(order, refund)
        self.movement_of[movement] = self.first + len(self.movements)
        self.movements.append(movement)

    def _happened(self, kind: str, at: int, subject: int) -> None:
        self.event_numbers.append((at << _PLACES) + len(self.events))
        self.events.append(Happening(kind, at, subject))
