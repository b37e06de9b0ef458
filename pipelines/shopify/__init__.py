"""Shopify: the first load by bulk operation, every later one by what was updated since."""

from collections.abc import Iterable, Iterator
from typing import Any

import dlt
import orjson
import pyarrow as pa

from lake.commits import Mark
from lake.errors import SourceError
from lake.settings import Settings
from pipelines.destination import claim, claim_quarantine
from pipelines.documents import Known, Landing, Load
from pipelines.shopify.api import Shopify
from pipelines.shopify.bulk import Document, gid_type, read_bulk, run_bulk
from pipelines.shopify.pages import count_changes, read_changes
from pipelines.shopify.resources import RESOURCES, SHOP, TABLES, Resource

__all__ = ["TABLES", "WRITER", "shopify_source"]

WRITER = "shopify"
TRIES = 3


@dlt.source(name="shopify", max_table_nesting=0)
def shopify_source(settings: Settings, load: Load, cursors: dict[str, str], known: Known) -> Any:
    """Read the shop since ``cursors`` (table to an ISO 8601 time; a table without one is read whole).

    ``known(table, since)`` gives the fingerprints of the (id, version) pairs that a table holds from ``since`` on.
    Yields Arrow tables of bronze documents. Raises CredentialsError, SettingError or SourceError.
    """
    client = Shopify(settings)
    load.opened.callback(client.close)
    rejected: list[Landing] = []
    yield dlt.resource(_shop(client, load, known), name=SHOP.table)
    for resource in RESOURCES:
        landing = Landing("shopify", resource.table, load, client.version)
        rejected.append(landing)
        rows = _resource(client, resource, landing, cursors.get(resource.table), known)
        yield dlt.resource(rows, name=resource.table)
    yield dlt.resource(claim_quarantine(WRITER, load, rejected, known), name="quarantine")


def _shop(client: Shopify, load: Load, known: Known) -> Iterator[pa.Table]:
    landing = Landing("shopify", SHOP.table, load, client.version, known(SHOP.table, ""))
    shop = orjson.loads(client.graphql(SHOP.query))["data"]["shop"]
    landing.add(shop["id"], shop.get("updatedAt") or shop["createdAt"], orjson.dumps(shop))
    yield from _finish(landing, "", landing.tally.count, "the shop itself")


def _resource(
    client: Shopify, resource: Resource, landing: Landing, cursor: str | None, known: Known
) -> Iterator[pa.Table]:
    if cursor is None:
        yield from _whole(client, resource, landing, known)
    else:
        yield from _changes(client, resource, landing, cursor, known)


def _whole(client: Shopify, resource: Resource, landing: Landing, known: Known) -> Iterator[pa.Table]:
    operation = run_bulk(client, resource)
    landing.lane = "bulk"
    # Another lane, or a load that disagreed with the shop, may have brought some before.
    landing.known = known(resource.table, "")
    yield from _gather(landing, resource, read_bulk(client, resource, operation))
    said = int(operation["rootObjectCount"] or 0) - landing.again
    # What is updated while the operation runs may be in it or not: the next load starts where this one did.
    cursor = min(landing.newest or operation["createdAt"], operation["createdAt"])
    yield from _finish(landing, cursor, said, "rootObjectCount of the bulk operation")


def _changes(client: Shopify, resource: Resource, landing: Landing, cursor: str, known: Known) -> Iterator[pa.Table]:
    landing.known = known(resource.table, cursor)
    for _ in range(TRIES):
        before = landing.seen
        yield from _gather(landing, resource, read_changes(client, resource, cursor))
        if count_changes(client, resource, cursor) <= landing.seen - before:
            break
    else:
        raise SourceError(
            f"Shopify counts more {resource.name} since {cursor} than it pages; run again when it is quieter."
        )
    said = f"ids paged and {resource.count} since {cursor}"
    yield from _finish(landing, landing.newest or cursor, landing.tally.count + landing.quarantined.count, said)


def _gather(landing: Landing, resource: Resource, documents: Iterable[Document]) -> Iterator[pa.Table]:
    for document in documents:
        keys = document.keys
        if keys is None:
            landing.reject(document.payload, document.fault)
        elif gid_type(keys.id) != resource.kind or not keys.updated_at:
            landing.reject(document.payload, "no id or no updatedAt")
        else:
            landing.add(str(keys.id), keys.updated_at, document.payload)
            if landing.full:
                yield landing.take()


def _finish(landing: Landing, cursor: str, said: int, said_by: str) -> Iterator[pa.Table]:
    """Give the last rows and record the claim. The first batch of an empty object is the empty table."""
    mark = Mark(WRITER, landing.load.load_id, cursor, said, landing.tally.hash, said_by, landing.quarantined.count)
    claim(landing.table, mark)
    rows = landing.take()
    if rows.num_rows:
        yield rows
