"""The invented person behind each customer."""

from typing import NamedTuple

from infra.sandbox.noise import Ints, draw
from infra.sandbox.words import CARDS, CITIES, FIRST_NAMES, LAST_NAMES, STREET_KINDS, STREETS


class Name(NamedTuple):
    """What a customer is called and reached by."""

    first: str
    last: str
    email: str

    @property
    def full(self) -> str:
        """The whole name."""
        return f"{self.first} {self.last}"


class Address(NamedTuple):
    """Where a customer lives; always in the United States."""

    street: str
    city: str
    state: str
    state_code: str
    postal_code: str


class Card(NamedTuple):
    """What a customer pays with."""

    brand: str
    last4: str
    month: int
    year: int


def names(seed: int, customer: Ints) -> list[Name]:
    """Invent the names of these customers; the e-mail address is each customer's own."""
    first = draw(seed, "person.first", customer, len(FIRST_NAMES)).tolist()
    last = draw(seed, "person.last", customer, len(LAST_NAMES)).tolist()
    return [
        Name(
            FIRST_NAMES[f],
            LAST_NAMES[s],
            f"{FIRST_NAMES[f].lower()}.{LAST_NAMES[s].lower()}.{c + 1}@example.com",
        )
        for f, s, c in zip(first, last, customer.tolist(), strict=True)
    ]


def addresses(seed: int, customer: Ints) -> list[Address]:
    """Invent the addresses of these customers."""
    place = draw(seed, "person.city", customer, len(CITIES)).tolist()
    street = draw(seed, "person.street", customer, len(STREETS) * len(STREET_KINDS)).tolist()
    number = draw(seed, "person.number", customer, 1990).tolist()
    found = []
    for p, s, n in zip(place, street, number, strict=True):
        city, state, code, prefix = CITIES[p]
        kind = STREET_KINDS[s % len(STREET_KINDS)]
        line = f"{n + 10} {STREETS[s // len(STREET_KINDS)]} {kind}"
        found.append(Address(line, city, state, code, f"{prefix}{n % 90 + 10}"))
    return found


def cards(seed: int, customer: Ints) -> list[Card]:
    """Invent the cards of these customers."""
    kind = draw(seed, "person.card", customer, len(CARDS)).tolist()
    expiry = draw(seed, "person.expiry", customer, 60).tolist()
    return [Card(CARDS[k][0], CARDS[k][1], e % 12 + 1, 2030 + e // 12) for k, e in zip(kind, expiry, strict=True)]
