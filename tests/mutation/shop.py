"""What a small busy shop said, as rows of bronze in DuckDB's memory: no service runs, and nothing is left behind."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import orjson
import pyarrow as pa

from infra.sandbox import database, entries
from infra.sandbox.selling.baskets import baskets
from infra.sandbox.selling.busy import open_shop
from infra.sandbox.shop import Shop
from infra.sandbox.shopify.admin import Admin
from infra.sandbox.shopify.cost import Bucket, Plan
from infra.sandbox.shopify.money import timestamps
from infra.sandbox.stripe import sold
from infra.sandbox.stripe.lists import RESOURCES as STRIPE
from lake.documents import SCHEMA
from lake.warehouse import bronze_columns
from pipelines.shopify.resources import RESOURCES as SHOPIFY
from tests.sqlmesh.documents import AT, SHOP, Document

PAST, BUSY = 40, 120
PAGE = 9
ENDLESS = 10**9
THEN, NOW = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def fill_bronze(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Make every bronze table that the models read, ``lake.bronze.<table>``, and fill it."""
    shop = open_shop(1997, PAST, BUSY)
    said: dict[str, list[Document]] = {"shopify_shop": [SHOP | {"id": "gid://shopify/Shop/1"}]}
    said |= dict(_shopify(shop, folder)) | dict(_stripe(shop))
    booked = _database(shop)
    connection.execute("ATTACH ':memory:' AS lake")
    connection.execute("CREATE SCHEMA lake.bronze")
    for table, columns in bronze_columns().items():
        kinds = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        connection.execute(f"CREATE TABLE lake.bronze.{table} ({kinds})")
        rows = _changes(booked[table], list(columns)) if table in booked else _documents(said[table])
        connection.register("told", rows)
        connection.execute(f"INSERT INTO lake.bronze.{table} BY NAME SELECT * FROM told")
        connection.unregister("told")


def _shopify(shop: Shop, folder: Path) -> Iterator[tuple[str, list[Document]]]:
    admin, found = Admin(shop, folder, "plus"), dict[str, list[Document]]()
    admin.executor.bucket = Bucket(Plan(ENDLESS, ENDLESS))
    for resource in SHOPIFY:
        asked: dict[str, Any] = {"first": PAGE, "nested": 5, "after": None}
        asked["location"] = found["shopify_locations"][0]["id"] if resource.below else ""
        found[resource.table] = []
        while True:
            data = admin.executor.execute(resource.query, asked, None, "127.0.0.1")["data"]
            page = (data["location"] if resource.below else data)[resource.name]
            found[resource.table] += page["nodes"] if "nodes" in page else [edge["node"] for edge in page["edges"]]
            if not page["pageInfo"]["hasNextPage"]:
                break
            asked["after"] = page["pageInfo"]["endCursor"]
        yield resource.table, found[resource.table]


def _stripe(shop: Shop) -> Iterator[tuple[str, list[Document]]]:
    for name, listed in STRIPE.items():
        if name == "events":  # Of which a list has those of the last 30 days, whenever that is.
            made = sold.events(shop, np.array(shop.sales.account.event_numbers, np.int64))
        else:
            numbers = np.asarray(list(listed.numbers(shop)), np.int64)
            made = listed.make(shop, numbers) if len(numbers) else []
        yield f"stripe_{name.replace('/', '_')}", [listed.sent(one, listed.expandable) for one in made]


def _documents(said: Iterable[Document]) -> pa.Table:
    """Land documents: some of them as they were before too, some by webhook too, one gone and one without an id."""
    rows = []

    def land(key: str | None, document: Document, version: str = NOW, op: str = "upsert", lane: str = "poll") -> None:
        row = {"id": key, "version": version, "payload": orjson.dumps(document).decode(), "_op": op, "_lane": lane}
        rows.append(row | {"_api_version": "2025-10", "_received_at": AT, "_load_id": "load"})

    for place, document in enumerate(said):
        if place == 0:
            gone = f"{document['id']}0000"
            land(gone, document, THEN)
            land(gone, {}, op="delete")
            land(None, document)
        if place % 3 == 0:
            land(document["id"], document, THEN, op="delete" if place % 2 else "upsert")
        if place % 5 == 0:
            land(document["id"], {}, lane="webhook")
        land(document["id"], document)
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _database(shop: Shop) -> dict[str, list[list[Any]]]:
    """Give the rows of the shop's own database: the past's stock, and the ledger with the busy trade's mistakes."""
    past = Shop(shop.seed, PAST)
    moved = np.full(len(past.products), past.content.opened, np.int64)
    sales = [shop.sales.find(shop.sales.first_order + place) for place in range(BUSY)]
    sold_baskets = baskets(shop, np.array([sale.number for sale in sales], np.int64))
    entered = [entry for basket in sold_baskets for entry in entries.of_sale(basket)]
    entered += [entry for basket in sold_baskets if basket.sale.changed for entry in entries.of_refund(basket)]
    booked = [
        [one.id, one.order_id, one.kind, f"{one.cents / 100:.2f}", one.currency, timestamps(np.array([one.at]))[0]]
        for one in entered
    ]
    return {
        "pg_shop_stock_movements": _split(database.movement_lines(past, moved)),
        "pg_shop_customer_addresses": _split(database.address_lines(past)),
        "pg_shop_stock": _split(database.stock_lines(past, moved)),
        "pg_shop_ledger": _split(entries.past_lines(past)) + booked,
    }


def _split(pieces: Iterable[str]) -> list[list[Any]]:
    lines = [line for piece in pieces for line in piece.splitlines()]
    return [[None if value == "\\N" else value for value in line.split("\t")] for line in lines]


def _changes(rows: list[list[Any]], columns: list[str]) -> pa.Table:
    """Land rows of a database table: copied whole, then some written again and the last one deleted."""
    names = columns[: columns.index("_op")]
    logged = [(row, "r", 1) for row in rows] + [(row, "u", 2) for row in rows[::3]]
    logged += [([f"{rows[-1][0]}0", *rows[-1][1:]], op, lsn) for op, lsn in (("c", 3), ("d", 4))]
    return pa.Table.from_pylist(
        [
            {name: None if value is None else str(value) for name, value in zip(names, row, strict=True)}
            | {"_op": op, "_commit_lsn": lsn, "_ordinal": place, "_commit_at": AT, "_unchanged": []}
            for place, (row, op, lsn) in enumerate(logged)
        ],
        schema=pa.schema(
            [(name, pa.string()) for name in (*names, "_op")]
            + [(name, pa.int64()) for name in ("_commit_lsn", "_ordinal")]
            + [("_commit_at", pa.timestamp("us", tz="UTC")), ("_unchanged", pa.list_(pa.string()))]
        ),
    )
