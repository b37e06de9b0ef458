"""Stripe's resources as a table, and the pages of their lists, newest first."""

from bisect import bisect_left, bisect_right
from fnmatch import fnmatchcase as fnmatch

import numpy as np

from infra.sandbox.identifiers import stripe_index
from infra.sandbox.selling.account import Movement
from infra.sandbox.sequences import chained
from infra.sandbox.shop import Shop
from infra.sandbox.stripe import documents, sold
from infra.sandbox.stripe.documents import Document
from infra.sandbox.stripe.failures import missing
from infra.sandbox.stripe.objects import MORE
from infra.sandbox.stripe.parameters import Bounds
from infra.sandbox.stripe.resource import Numbers, Resource

_KEPT = 30 * 86_400


def _charges(shop: Shop) -> Numbers:
    first = shop.sales.first_order
    return chained(shop.content.charged, range(first, first + len(shop.sales.account.charges)))


def _movements(shop: Shop) -> Numbers:
    first = shop.sales.first_order
    return chained(shop.content.charged, range(first, first + len(shop.sales.account.movements)))


def _refunds(shop: Shop) -> Numbers:
    return range(len(shop.sales.account.refunds))


def _events(shop: Shop) -> Numbers:
    """List the events of the last 30 days; the past is older."""
    account = shop.sales.account
    first = bisect_left(account.events, int(shop.now()) - _KEPT, key=lambda event: event.created)
    return account.event_numbers[first:]


def _charged_at(shop: Shop, number: int) -> int:
    first = shop.sales.first_order
    return shop.created_at(shop.sales.account.charges[number - first].order if number >= first else number)


def _moved_at(shop: Shop, number: int) -> int:
    first = shop.sales.first_order
    if number < first:
        return shop.created_at(number)
    order, refund = shop.sales.account.movements[number - first]
    return shop.sales.find(order).changed if refund else shop.created_at(order)


def _refunded_at(shop: Shop, number: int) -> int:
    return shop.sales.find(shop.sales.account.refunds[number]).changed


def _by_customer(shop: Shop, identifier: str) -> Numbers:
    """Find the charges of a customer.

    Raises InvalidRequestError for a customer who doesn't exist.
    """
    customer = stripe_index("cus", identifier)
    if customer is None or not 0 <= customer < shop.customer_count:
        raise missing("customer", identifier, "customer", 400)
    orders = set(shop.content.orders_of(customer))
    first = shop.sales.first_order
    past = np.array(sorted(order for order in orders if order < first), np.int64)
    found: list[int] = past[shop.orders(past).cents > 0].tolist()
    return found + [first + n for n, charge in enumerate(shop.sales.account.charges) if charge.order in orders]


def _by_source(shop: Shop, identifier: str) -> Numbers:
    account = shop.sales.account
    refund = _known(_refunds(shop), stripe_index("re", identifier))
    if refund is not None:
        return [account.movement_of[Movement(account.refunds[refund], refund=True)]]
    charge = _known(_charges(shop), stripe_index("ch", identifier))
    if charge is None or charge < account.first:
        return [] if charge is None else [charge]
    order, declined = account.charges[charge - account.first]
    return [] if declined else [account.movement_of[Movement(order, refund=False)]]


def _by_type(shop: Shop, kind: str) -> Numbers:
    account = shop.sales.account
    wanted = kind == "refund"
    later = [account.first + n for n, moved in enumerate(account.movements) if moved.refund == wanted]
    if kind == "charge":
        return chained(shop.content.charged, later)
    return later if wanted else []


def _refunds_of(shop: Shop, identifier: str) -> Numbers:
    charge = _known(_charges(shop), stripe_index("ch", identifier))
    account = shop.sales.account
    if charge is None or charge < account.first or account.charges[charge - account.first].declined:
        return []
    refund = account.refund_of.get(account.charges[charge - account.first].order)
    return [] if refund is None else [refund]


def _refunds_for(shop: Shop, intent: str) -> Numbers:
    order = stripe_index("pi", intent)
    refund = None if order is None else shop.sales.account.refund_of.get(order)
    return [] if refund is None else [refund]


def _events_of(shop: Shop, kinds: str) -> Numbers:
    """List the events of a type, of one of several (with commas between), or of a family such as ``charge.*``."""
    account, wanted = shop.sales.account, kinds.split(",")
    return [number for number in _events(shop) if any(fnmatch(account.event(number).kind, kind) for kind in wanted)]


def _known(numbers: Numbers, number: int | None) -> int | None:
    return number if number is not None and has(numbers, number) else None


def _by_email(shop: Shop, email: str) -> Numbers:
    number = email.partition("@")[0].rpartition(".")[2]
    customer = int(number) - 1 if number.isdigit() else -1
    if not 0 <= customer < shop.customer_count:
        return []
    return [customer] if shop.names(np.array([customer]))[0].email == email else []


def _joined(shop: Shop, customer: int) -> int:
    return int(shop.customers(np.array([customer])).created[0])


RESOURCES = {
    "charges": Resource("charge", "ch", _charges, _charged_at, sold.charges, {"customer": _by_customer}),
    "balance_transactions": Resource(
        "balance_transaction",
        "txn",
        _movements,
        _moved_at,
        sold.movements,
        {"type": _by_type, "source": _by_source, "currency": lambda s, c: _movements(s) if c == "usd" else []},
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
        "re",
        _refunds,
        _refunded_at,
        sold.refunds,
        {"charge": _refunds_of, "payment_intent": _refunds_for},
    ),
    "events": Resource(
        "event",
        "evt",
        _events,
        lambda shop, number: shop.sales.account.event(number).created,
        sold.events,
        {"type": _events_of, "types[]": _events_of, "delivery_success": lambda s, d: _events(s)},
    ),
    **MORE,
}


def has(numbers: Numbers, number: int) -> bool:
    """Say whether an ascending sequence holds a number."""
    place = bisect_left(numbers, number)
    return place < len(numbers) and int(numbers[place]) == number


def find(shop: Shop, resource: Resource, identifier: str) -> Document | None:
    """Find one object by its id."""
    number = resource.number(identifier)
    if number is None or not has(resource.numbers(shop), number):
        return None
    return resource.make(shop, np.array([number]))[0]


def page(shop: Shop, resource: Resource, wanted: Bounds) -> tuple[list[Document], bool]:
    """Make one page, newest first, and say whether the list goes on in its direction.

    Raises InvalidRequestError for a cursor that doesn't exist.
    """
    numbers = resource.numbers(shop)
    filters = {"status": "", **wanted.filters} if "status" in resource.filters else wanted.filters
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
    for name, value in filters.items():
        kept = resource.filters[name](shop, value)
        numbers = numbers if len(kept) == len(resource.numbers(shop)) else [n for n in kept if has(numbers, n)]
    cut = numbers[: wanted.limit] if wanted.ending_before else numbers[max(0, len(numbers) - wanted.limit) :]
    newest_first = np.asarray(cut, np.int64)[::-1]
    return resource.make(shop, newest_first) if len(cut) else [], len(numbers) > wanted.limit


def _cursor(shop: Shop, resource: Resource, identifier: str, param: str) -> int:
    number = resource.number(identifier)
    if number is None or not has(resource.numbers(shop), number):
        raise missing(resource.kind, identifier, param, 400)
    return number


def members(listed: list[Document], wanted: Bounds, path: str) -> Document:
    """Make one page of an object's own list.

    Raises InvalidRequestError for a cursor that doesn't exist.
    """
    places = {one["id"]: place for place, one in enumerate(listed)}
    if wanted.starting_after and wanted.starting_after not in places:
        raise missing("line item", wanted.starting_after, "starting_after", 400)
    start = places[wanted.starting_after] + 1 if wanted.starting_after else 0
    cut = listed[start : start + wanted.limit]
    return {"object": "list", "data": cut, "has_more": start + len(cut) < len(listed), "url": path}
