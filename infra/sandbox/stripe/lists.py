"""Stripe's resources as a table, and the pages of their lists, newest first."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from infra.sandbox.identifiers import stripe_index
from infra.sandbox.noise import Ints
from infra.sandbox.shop import Shop
from infra.sandbox.stripe import documents
from infra.sandbox.stripe.documents import Document
from infra.sandbox.stripe.failures import missing
from infra.sandbox.stripe.parameters import Bounds

Numbers = Sequence[int]


class Resource(NamedTuple):
    """One resource: what its objects are called, numbered by and made with, and how its lists are filtered."""

    kind: str
    prefix: str
    numbers: Callable[[Shop], Numbers]
    created: Callable[[Shop, int], int]
    make: Callable[[Shop, Ints], list[Document]]
    filters: dict[str, Callable[[Shop, str], Numbers]]


def _charged(shop: Shop) -> Numbers:
    return shop.content.charged


def _none(shop: Shop) -> Numbers:
    return []


def _nothing(shop: Shop, index: Ints) -> list[Document]:
    return []


def _by_customer(shop: Shop, identifier: str) -> Numbers:
    """Find the charges of a customer.

    Raises InvalidRequestError for a customer who doesn't exist.
    """
    customer = stripe_index("cus", identifier)
    if customer is None or not 0 <= customer < shop.customer_count:
        raise missing("customer", identifier, "customer", 400)
    orders = np.array(shop.content.orders_of(customer), np.int64)
    found: list[int] = orders[shop.orders(orders).cents > 0].tolist()
    return found


def _by_source(shop: Shop, identifier: str) -> Numbers:
    order = stripe_index("ch", identifier)
    return [order] if order is not None and has(_charged(shop), order) else []


def _by_type(shop: Shop, kind: str) -> Numbers:
    return _charged(shop) if kind == "charge" else []


def _by_email(shop: Shop, email: str) -> Numbers:
    number = email.partition("@")[0].rpartition(".")[2]
    customer = int(number) - 1 if number.isdigit() else -1
    if not 0 <= customer < shop.customer_count:
        return []
    return [customer] if shop.names(np.array([customer]))[0].email == email else []


def _joined(shop: Shop, customer: int) -> int:
    return int(shop.customers(np.array([customer])).created[0])


# The history holds no refunds; events are kept for 30 days, and everything here is older.
RESOURCES = {
    "charges": Resource("charge", "ch", _charged, Shop.created_at, documents.charges, {"customer": _by_customer}),
    "balance_transactions": Resource(
        "balance_transaction",
        "txn",
        _charged,
        Shop.created_at,
        documents.balance_transactions,
        {"type": _by_type, "source": _by_source, "currency": lambda s, c: _charged(s) if c == "usd" else []},
    ),
    "customers": Resource(
        "customer",
        "cus",
        lambda shop: range(shop.customer_count),
        _joined,
        documents.customers,
        {"email": _by_email},
    ),
    "refunds": Resource(
        "refund",
        "",
        _none,
        Shop.created_at,
        _nothing,
        {"charge": lambda s, c: [], "payment_intent": lambda s, p: []},
    ),
    "events": Resource(
        "event",
        "",
        _none,
        Shop.created_at,
        _nothing,
        {"type": lambda s, t: [], "types[]": lambda s, t: [], "delivery_success": lambda s, d: []},
    ),
}


def has(numbers: Numbers, number: int) -> bool:
    """Say whether an ascending sequence holds a number."""
    place = bisect_left(numbers, number)
    return place < len(numbers) and int(numbers[place]) == number


def find(shop: Shop, resource: Resource, identifier: str) -> Document | None:
    """Find one object by its id."""
    number = stripe_index(resource.prefix, identifier) if resource.prefix else None
    if number is None or not has(resource.numbers(shop), number):
        return None
    return resource.make(shop, np.array([number]))[0]


def page(shop: Shop, resource: Resource, wanted: Bounds) -> tuple[list[Document], bool]:
    """Make one page, newest first, and say whether the list goes on in its direction.

    Raises InvalidRequestError for a cursor that doesn't exist.
    """
    numbers = resource.numbers(shop)
    low, high = 0, len(numbers)
    if wanted.starting_after:
        high = bisect_left(numbers, _cursor(shop, resource, wanted.starting_after, "starting_after"))
    if wanted.ending_before:
        low = bisect_right(numbers, _cursor(shop, resource, wanted.ending_before, "ending_before"))
    if wanted.earliest is not None:
        low = max(low, bisect_left(numbers, wanted.earliest, key=lambda n: resource.created(shop, int(n))))
    if wanted.latest is not None:
        high = min(high, bisect_right(numbers, wanted.latest, key=lambda n: resource.created(shop, int(n))))
    numbers = numbers[low : max(low, high)]
    for name, value in wanted.filters.items():
        kept = resource.filters[name](shop, value)
        numbers = numbers if len(kept) == len(resource.numbers(shop)) else [n for n in kept if has(numbers, n)]
    cut = numbers[: wanted.limit] if wanted.ending_before else numbers[max(0, len(numbers) - wanted.limit) :]
    newest_first = np.asarray(cut, np.int64)[::-1]
    return resource.make(shop, newest_first) if len(cut) else [], len(numbers) > wanted.limit


def _cursor(shop: Shop, resource: Resource, identifier: str, param: str) -> int:
    number = stripe_index(resource.prefix, identifier) if resource.prefix else None
    if number is None or not has(resource.numbers(shop), number):
        raise missing(resource.kind, identifier, param, 400)
    return number
