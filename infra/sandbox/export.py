"""Writes the shop's documents to files, as the vendors send them, without ever holding all of them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson

from infra.sandbox.shop import CHUNK, Shop
from infra.sandbox.shopify.admin import Admin
from infra.sandbox.stripe.lists import RESOURCES

EXPORTED = ("charges", "balance_transactions", "customers")


def export(shop: Shop, folder: Path, queries: dict[str, str]) -> dict[str, int]:
    """Write one file of JSON lines a table into ``folder``, chunk by chunk; return each file's number of lines.

    ``queries`` are bulk queries by the name of their file (``shopify_orders``); Stripe's objects are written whole,
    oldest first. Raises BulkQueryError for a query that can't be run in bulk.
    """
    folder.mkdir(parents=True, exist_ok=True)
    admin = Admin(shop, folder)
    files = {name: _counted(admin, query) for name, query in queries.items()}
    files |= {f"stripe_{name}": _objects(shop, name) for name in EXPORTED}
    return {name: _write(folder / f"{name}.jsonl", pieces) for name, pieces in files.items()}


def _counted(admin: Admin, query: str) -> Iterator[tuple[int, bytes]]:
    return ((lines, piece) for lines, _, piece in admin.pieces(query))


def _objects(shop: Shop, name: str) -> Iterator[tuple[int, bytes]]:
    resource = RESOURCES[name]
    numbers = resource.numbers(shop)
    for start in range(0, len(numbers), CHUNK):
        made = resource.make(shop, np.asarray(numbers[start : start + CHUNK], np.int64))
        yield len(made), b"".join(orjson.dumps(one) + b"\n" for one in made)


def _write(path: Path, pieces: Iterator[tuple[int, bytes]]) -> int:
    total = 0
    with path.open("wb") as file:
        for lines, piece in pieces:
            total += lines
            file.write(piece)
    return total
