"""Fills the shop's own Postgres database: customers' addresses, stock and its movements, the ledger."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
from psycopg import sql

from infra.sandbox import entries
from infra.sandbox.identifiers import legacy_id
from infra.sandbox.noise import Ints
from infra.sandbox.selling.busy import open_shop
from infra.sandbox.selling.warehouse import Warehouse
from infra.sandbox.shop import Shop
from infra.sandbox.shopify.money import timestamps
from infra.sandbox.stock import history
from lake.errors import SourceError

TABLES_FILE = Path(__file__).parent / "database.sql"
_MARK = "Boathouse sandbox shop"
_COUNTRY = "United States"
_LOCK = 4_211_997
_NULL = "\\N"
_ADDRESSES = "COPY shop.customer_addresses FROM STDIN"
_MOVEMENTS = "COPY shop.stock_movements FROM STDIN"
_STOCK = "COPY shop.stock FROM STDIN"
_NOTE = "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace WHERE nspname = 'shop'"


def fill_database(dsn: str, *, seed: int, orders: int = 0, busy: int = 0) -> bool:
    """Fill the schema ``shop`` with the content of ``Shop(seed, orders)`` in one transaction; say if anything was done.

    What a busy trade sold after that is booked as sales are. Nothing is done where that content already is; the
    sandbox's other content is replaced. Raises SourceError if the schema is somebody else's, or the database can't be
    reached or written.
    """
    mark = f"{_MARK}: seed {seed}, orders {orders}, busy {busy}, with a ledger"
    try:
        with psycopg.connect(dsn) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            found = connection.execute(_NOTE).fetchone()
            if found and not (found[0] or "").startswith(_MARK):
                raise SourceError(
                    "The database already has a schema 'shop' that isn't the sandbox shop's; give it another database."
                )
            if found and found[0] == mark:
                return False
            _fill(connection, Shop(seed, orders), mark)
        if busy:
            Warehouse(open_shop(seed, orders, busy), dsn).close()
    except psycopg.Error as error:
        text = str(error).strip().splitlines()[0]
        raise SourceError(f"The sandbox shop's database can't be filled: {text}") from None
    return True


def _fill(connection: psycopg.Connection, shop: Shop, mark: str) -> None:
    connection.execute("DROP SCHEMA IF EXISTS shop CASCADE")
    connection.execute(TABLES_FILE.read_bytes())
    last_moved = np.full(len(shop.products), shop.content.opened, np.int64)
    with connection.cursor() as cursor:
        for statement, lines in (
            (_ADDRESSES, address_lines(shop)),
            (_MOVEMENTS, movement_lines(shop, last_moved)),
            (_STOCK, stock_lines(shop, last_moved)),
            (entries.COPY, entries.past_lines(shop)),
        ):
            with cursor.copy(statement) as copy:
                for piece in lines:
                    copy.write(piece)
    connection.execute(sql.SQL("COMMENT ON SCHEMA shop IS {}").format(sql.Literal(mark)))


def address_lines(shop: Shop) -> Iterator[str]:
    """Yield the rows of customer_addresses in COPY's text format, some thousand at once."""
    first = legacy_id("Customer", 0)
    for number in shop.chunks(shop.customer_count):
        rows = zip(
            (number + first).tolist(),
            shop.names(number),
            shop.addresses(number),
            timestamps(shop.customers(number).created),
            strict=True,
        )
        yield "".join(
            f"{customer}\t{name.full}\t{home.street}\t{home.city}\t{home.state}\t{home.postal_code}\t{_COUNTRY}\t{at}\n"
            for customer, name, home, at in rows
        )


def movement_lines(shop: Shop, last_moved: Ints) -> Iterator[str]:
    """Yield the rows of stock_movements; notes in ``last_moved`` (seconds since 1970) when each product was moved."""
    for movements in history(shop, last_moved):
        times = timestamps(np.array([move.at for move in movements], np.int64))
        yield "".join(
            f"{move.id}\t{move.sku}\t{move.order_id or _NULL}\t{move.change}\t{move.reason}\t{at}\n"
            for move, at in zip(movements, times, strict=True)
        )


def stock_lines(shop: Shop, last_moved: Ints) -> Iterator[str]:
    """Yield the rows of stock."""
    rows = zip(shop.products, shop.on_hand.tolist(), timestamps(last_moved), strict=True)
    yield "".join(
        f"{product.sku}\t{legacy_id('Product', product.number)}\t{legacy_id('ProductVariant', product.number)}"
        f"\t{on_hand}\t{at}\n"
        for product, on_hand, at in rows
    )
