"""Cursor paging over a listing or over a short list."""

import base64
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson
from graphql import GraphQLError

from infra.sandbox.identifiers import legacy_id
from infra.sandbox.shopify.listings import Listing
from infra.sandbox.shopify.nodes import Node, Nodes
from infra.sandbox.shopify.references import Reference

MOST = 250


class Page(NamedTuple):
    """Some documents in a row; ``cursor`` makes the cursor of the nth."""

    nodes: list[Node]
    cursor: Callable[[int], str]
    has_previous: bool
    has_next: bool


def window(count: int, after: int, before: int, args: dict[str, Any]) -> tuple[int, int]:
    """Cut ``[after, before)`` of ``count`` places down to ``first`` from its start or ``last`` from its end.

    Raises GraphQLError, as Shopify, without either or with more than 250.
    """
    first, last = args.get("first"), args.get("last")
    if first is None and last is None:
        raise GraphQLError("you must provide one of first or last", extensions={"code": "BAD_REQUEST"})
    for name, size in (("first", first), ("last", last)):
        if size is not None and not 0 <= size <= MOST:
            text = f"{name} cannot exceed {MOST}" if size > MOST else f"{name} must be greater than or equal to 0"
            raise GraphQLError(text, extensions={"code": "BAD_REQUEST"})
    low, high = max(0, after), min(count, before)
    if first is not None:
        high = min(high, low + first)
    if last is not None:
        low = max(low, high - last)
    return low, max(low, high)


def listing_page(nodes: Nodes, listing: Listing, args: dict[str, Any]) -> Page:
    """Make one page of a listing."""
    count, reverse = len(listing.numbers), bool(args.get("reverse"))
    after = _place(listing, args.get("after"), reverse, past=True) if args.get("after") else 0
    before = _place(listing, args.get("before"), reverse, past=False) if args.get("before") else count
    low, high = window(count, after, before, args)
    cut = listing.numbers[count - high : count - low] if reverse else listing.numbers[low:high]
    numbers = np.asarray(cut, np.int64)[:: -1 if reverse else 1]

    def cursor(place: int) -> str:
        number = int(numbers[place])
        return _encode(legacy_id(listing.kind, number), listing.rank(number)[0])

    return Page(nodes.many(listing.kind, numbers) if high > low else [], cursor, low > 0, high < count)


def list_page(nodes: Nodes, values: Sequence[Any], args: dict[str, Any]) -> Page:
    """Make one page of a list that a document holds, such as its line items."""
    ordered = values[::-1] if args.get("reverse") else values
    after = _decode(args["after"])[1] + 1 if args.get("after") else 0
    before = _decode(args["before"])[1] if args.get("before") else len(ordered)
    low, high = window(len(ordered), after, before, args)
    found = [nodes.one(value) if isinstance(value, Reference) else value for value in ordered[low:high]]
    return Page(found, lambda place: _encode(low + place, low + place), low > 0, high < len(ordered))


def _place(listing: Listing, cursor: str | None, reverse: bool, *, past: bool) -> int:
    """Find the place at (or just past) the cursor, counted in the wanted direction."""
    identifier, value = _decode(cursor or "")
    rank = (value, identifier - legacy_id(listing.kind, 0))
    cut = bisect_left if past == reverse else bisect_right
    place = cut(listing.numbers, rank, key=lambda number: listing.rank(int(number)))
    return len(listing.numbers) - place if reverse else place


def _encode(identifier: int, value: int) -> str:
    return base64.b64encode(orjson.dumps({"last_id": identifier, "last_value": str(value)})).decode()


def _decode(cursor: str) -> tuple[int, int]:
    try:
        content = orjson.loads(base64.b64decode(cursor, validate=True))
        return int(content["last_id"]), int(content["last_value"])
    except (ValueError, KeyError, TypeError):
        raise GraphQLError(
            f"Invalid cursor for current pagination sort: {cursor}.", extensions={"code": "BAD_REQUEST"}
        ) from None
