"""Books the sales in the shop's own Postgres database: stock and its movements, the ledger, new customers' homes."""

import numpy as np
import psycopg

from infra.sandbox import entries
from infra.sandbox.identifiers import legacy_id
from infra.sandbox.selling.baskets import Basket, baskets
from infra.sandbox.selling.sales import Sale
from infra.sandbox.shop import Shop
from infra.sandbox.stock import RESTOCKED, Movement
from lake.errors import SourceError

_RETURNED = 8_000_000_000_000
_LOW, _DELIVERY = 20, 200
_CATCH_UP = 1_000
_MOVE = """
WITH moved AS (
  INSERT INTO shop.stock_movements
  SELECT id, sku, order_id, change, reason, to_timestamp(at)
  FROM unnest(%s::bigint[], %s::text[], %s::bigint[], %s::integer[], %s::text[], %s::bigint[])
    AS movements (id, sku, order_id, change, reason, at)
  ON CONFLICT DO NOTHING
  RETURNING sku, change, moved_at
), sums AS (
  SELECT sku, sum(change) AS change, max(moved_at) AS moved_at FROM moved GROUP BY sku
)
UPDATE shop.stock
SET on_hand = on_hand + sums.change, updated_at = greatest(updated_at, sums.moved_at)
FROM sums
WHERE stock.sku = sums.sku
"""
_SETTLE = """
INSERT INTO shop.customer_addresses
SELECT customer_id, full_name, address1, city, state, postal_code, 'United States', to_timestamp(at)
FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[])
  AS customers (customer_id, full_name, address1, city, state, postal_code, at)
ON CONFLICT DO NOTHING
"""
_LAST = "SELECT max(order_id) FROM shop.stock_movements WHERE order_id >= %s AND reason = 'sale'"


class Warehouse:
    """The database of one shop; what it hasn't heard of, after a crash or a new start, it is told first."""

    def __init__(self, shop: Shop, dsn: str) -> None:
        """Connect and catch up.

        Raises SourceError.
        """
        self.shop = shop
        try:
            self._connection = psycopg.connect(dsn, connect_timeout=10, autocommit=True)
            self._left: dict[str, int] = self._count()
            self._catch_up()
            self._left = self._count()
        except psycopg.Error as error:
            raise _unreachable(error) from None

    def close(self) -> None:
        """Leave the database."""
        self._connection.close()

    def book(self, placed: list[Sale], changed: list[Sale]) -> None:
        """Take out what was ordered, put back what was cancelled, and book both and what was refunded in the ledger.

        All in one transaction; again changes nothing.

        Raises SourceError.
        """
        sold, met = self._baskets(placed), self._baskets(changed)
        movements = [move for basket in sold for move in self._sold(basket)]
        movements += [move for basket in met if basket.cancelled for move in self._returned(basket)]
        booked = [entry for basket in sold for entry in entries.of_sale(basket)]
        booked += [entry for basket in met for entry in entries.of_refund(basket)]
        newcomers = [sale for sale in placed if sale.customer >= self.shop.sales.first_customer]
        try:
            with self._connection.transaction():
                if movements:
                    self._connection.execute(_MOVE, _columns(movements))
                if newcomers:
                    self._connection.execute(_SETTLE, self._homes(newcomers))
                entries.book(self._connection, booked)
        except psycopg.Error as error:
            raise _unreachable(error) from None

    def _count(self) -> dict[str, int]:
        return dict(self._connection.execute("SELECT sku, on_hand FROM shop.stock").fetchall())

    def _catch_up(self) -> None:
        sales, base = self.shop.sales, legacy_id("Order", 0)
        row = self._connection.execute(_LAST, [base + sales.first_order]).fetchone()
        start = row[0] - base + 1 if row and row[0] is not None else sales.first_order
        for low in range(start, sales.first_order + len(sales), _CATCH_UP):
            numbers = range(low, min(low + _CATCH_UP, sales.first_order + len(sales)))
            self.book([sales.find(number) for number in numbers], [])
        fates = [sales.find(sales.first_order + int(place)) for place in np.flatnonzero(sales.fates())]
        self.book([], fates)

    def _baskets(self, sales: list[Sale]) -> list[Basket]:
        return baskets(self.shop, np.array([sale.number for sale in sales], np.int64)) if sales else []

    def _sold(self, basket: Basket) -> list[Movement]:
        sale, found = basket.sale, []
        first = len(self.shop.products) + 1
        for line in basket.lines:
            sku, place = self.shop.products[line.product].sku, 2 * sale.number + line.place
            if self._left[sku] - line.units < _LOW:
                found.append(Movement(RESTOCKED + place, sku, None, _DELIVERY, "restock", sale.created))
                self._left[sku] += _DELIVERY
            self._left[sku] -= line.units
            order = legacy_id("Order", sale.number)
            found.append(Movement(first + place, sku, order, -line.units, "sale", sale.created))
        return found

    def _returned(self, basket: Basket) -> list[Movement]:
        sale, found = basket.sale, []
        for line, units in basket.returned:
            sku, number = self.shop.products[line.product].sku, _RETURNED + 2 * sale.number + line.place
            found.append(Movement(number, sku, legacy_id("Order", sale.number), units, "restock", sale.changed))
            self._left[sku] += units
        return found

    def _homes(self, newcomers: list[Sale]) -> list[list[object]]:
        customers = np.array([sale.customer for sale in newcomers])
        rows = zip(newcomers, self.shop.names(customers), self.shop.addresses(customers), strict=True)
        lines = [
            (
                legacy_id("Customer", sale.customer),
                name.full,
                home.street,
                home.city,
                home.state,
                home.postal_code,
                self.shop.sales.joined[sale.customer - self.shop.sales.first_customer],
            )
            for sale, name, home in rows
        ]
        return _columns(lines)


def _columns(rows: list[Movement] | list[tuple[int, str, str, str, str, str, int]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _unreachable(error: psycopg.Error) -> SourceError:
    text = (str(error).strip().splitlines() or ["it said nothing"])[0]
    return SourceError(f"The sandbox shop's database doesn't take the sales: {text}")
