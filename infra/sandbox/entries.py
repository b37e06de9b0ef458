"""What the shop's bookkeeping holds in its own Postgres: each sale and each refund, as somebody booked it."""

from collections.abc import Iterator
from typing import NamedTuple

import psycopg

from infra.sandbox.identifiers import legacy_id
from infra.sandbox.selling.baskets import Basket
from infra.sandbox.shop import Shop
from infra.sandbox.shopify.money import timestamps
from infra.sandbox.stripe.documents import fee

COPY = "COPY shop.ledger FROM STDIN"
_AGAIN = 7_000_000_000_000
"""What is added to the number of an entry that was booked twice."""
_DAY = 86_400
_BOOK = """
INSERT INTO shop.ledger
SELECT id, order_id, kind, cents / 100.0, currency, to_timestamp(at)
FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bigint[], %s::text[], %s::bigint[])
  AS entries (id, order_id, kind, cents, currency, at)
ON CONFLICT DO NOTHING
"""


class Entry(NamedTuple):
    """One row of the ledger; ``at`` in seconds since 1970 UTC."""

    id: int
    order_id: int
    kind: str
    cents: int
    currency: str
    at: int


def past_lines(shop: Shop) -> Iterator[str]:
    """Yield the entries of the past's orders that cost something, in COPY's text format, some thousand at once."""
    first = legacy_id("Order", 0)
    for number in shop.chunks(shop.past.order_count):
        orders = shop.orders(number)
        rows = zip(number.tolist(), orders.cents.tolist(), timestamps(orders.created), strict=True)
        yield "".join(
            f"{2 * order + 1}\t{first + order}\tsale\t{cents // 100}.{cents % 100:02d}\tUSD\t{at}\n"
            for order, cents, at in rows
            if cents
        )


def of_sale(basket: Basket) -> list[Entry]:
    """Give the entries of a sale; those of the busy trade are sometimes wrong, as bookkeeping is."""
    sale = basket.sale
    right = Entry(2 * sale.number + 1, legacy_id("Order", sale.number), "sale", basket.total, "USD", sale.created)
    return blunder(basket, right) if basket.terms.busy else [right]


def blunder(basket: Basket, right: Entry) -> list[Entry]:
    """Book five of twenty sales wrong: left out, twice, after fees, a day late, in another currency."""
    match basket.sale.number % 20:
        case 3:
            return []
        case 7:
            return [right, right._replace(id=right.id + _AGAIN)]
        case 11:
            return [right._replace(cents=right.cents - fee(right.cents))]
        case 15:
            return [right._replace(at=right.at + _DAY)]
        case 19:
            return [right._replace(currency="EUR")]
    return [right]


def of_refund(basket: Basket) -> list[Entry]:
    """Give the entries of a refund; in the busy trade one of the cancelled orders' is forgotten now and then."""
    sale = basket.sale
    if basket.terms.busy and sale.number % 3 == 0:
        return []
    order = legacy_id("Order", sale.number)
    return [Entry(2 * sale.number + 2, order, "refund", basket.refund_cents, "USD", sale.changed)]


def book(connection: psycopg.Connection, entries: list[Entry]) -> None:
    """Write entries that aren't there yet."""
    if entries:
        connection.execute(_BOOK, [list(column) for column in zip(*entries, strict=True)])
