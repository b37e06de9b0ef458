"""The orders of this benchmark: made by the sandbox, as it answers the query that Boathouse asks, a line each.

They are 2.4 to 3 KB: the query asks for all that an order has, and the smallest, of one line item, has 2,417 bytes of
JSON.
"""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import orjson

from infra.sandbox.shop import Shop
from infra.sandbox.shopify.admin import Admin
from infra.sandbox.shopify.cost import Bucket, Plan
from pipelines.shopify.resources import RESOURCES

MADE = 20_000
"""Orders that the sandbox makes; those after repeat them under numbers of their own."""
AT_ONCE = 25
UNLIMITED = 1_000_000_000
ORDERS = next(resource for resource in RESOURCES if resource.name == "orders")
OPENED = datetime(2024, 1, 1, tzinfo=UTC)
EVERY = timedelta(seconds=20)


def write_orders(file: Path, rows: int) -> None:
    """Write so many orders, a line each, one every 20 seconds."""
    made: list[tuple[bytes, bytes, bytes]] = []
    with file.open("wb") as out:
        for number, order in enumerate(islice(_made(min(rows, MADE)), rows)):
            told = orjson.loads(order)
            made.append((order, told["legacyResourceId"].encode(), b'"updatedAt":"%b"' % told["updatedAt"].encode()))
            out.write(_anew(number, *made[-1]))
        for number in range(len(made), rows):
            out.write(_anew(number, *made[number % len(made)]))


def changed_at(number: int) -> str:
    """Say when the order with this number, from 0 on, changed (ISO 8601, UTC)."""
    return f"{OPENED + number * EVERY:%Y-%m-%dT%H:%M:%SZ}"


def _anew(number: int, order: bytes, legacy_id: bytes, changed: bytes) -> bytes:
    """Give an order another number and another time of its last change, and the end of its line."""
    renumbered = order.replace(legacy_id, b"%d" % (5_100_000_000_001 + number), 2)
    return renumbered.replace(changed, b'"updatedAt":"%b"' % changed_at(number).encode(), 1) + b"\n"


def _made(count: int) -> Iterator[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        admin = Admin(Shop(1997, count), Path(folder), "plus")
        admin.executor.bucket = Bucket(Plan(UNLIMITED, UNLIMITED))
        after = None
        while True:
            said = admin.executor.execute(ORDERS.query, {"first": AT_ONCE, "after": after}, None, "shop")
            connection = said["data"]["orders"]
            yield from (orjson.dumps(edge["node"]) for edge in connection["edges"])
            if not connection["pageInfo"]["hasNextPage"]:
                return
            after = connection["pageInfo"]["endCursor"]
