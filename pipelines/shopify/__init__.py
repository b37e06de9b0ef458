"""Shopify: the first load by bulk operation, every later one by what was updated or deleted since, however much."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import dlt
import pyarrow as pa

from lake.commits import Mark
from lake.errors import SourceError
from lake.fingerprints import Distinct
from lake.settings import Settings
from pipelines.destination import claim, claim_quarantine
from pipelines.documents import Known, Landing, Load
from pipelines.shopify.api import Shopify
from pipelines.shopify.bulk import Bulk
from pipelines.shopify.deletions import read_deletions
from pipelines.shopify.documents import Document, decode_line, gid_type
from pipelines.shopify.pages import count_changes, read_changes, read_keys, updated_since
from pipelines.shopify.preflight import check_scopes, wanted
from pipelines.shopify.repair import BATCH, read_again, read_shop
from pipelines.shopify.resources import SHOP, TABLES, Resource

__all__ = ["TABLES", "WRITER", "shopify_source"]

WRITER = "shopify"
TRIES = 3
OVERLAP = timedelta(minutes=10)
"""What is read again at the start of a window: Shopify's search shows a change some time after it was made."""


@dlt.source(name="shopify", max_table_nesting=0)
def shopify_source(settings: Settings, load: Load, cursors: dict[str, str], known: Known) -> Any:
    """Read the shop since ``cursors`` (table to an ISO 8601 time; a table without one is read whole).

    ``known(table, since)`` gives the fingerprints of the (id, version) pairs that a table holds from ``since`` on.
    Yields Arrow tables of bronze documents. Raises CredentialsError, SettingError or SourceError.
    """
    resources = wanted(settings.shopify_objects)
    client = Shopify(settings)
    load.opened.callback(client.close)
    check_scopes(client, resources)
    rejected: list[Landing] = []
    yield dlt.resource(_shop(client, load, known), name=SHOP.table)
    for resource in resources:
        landing = Landing("shopify", resource.table, load, client.version)
        rejected.append(landing)
        cursor = cursors.get(resource.table)
        bulk = Bulk(client, resource, settings.state_dir / "shopify")
        if cursor is None and resource.bulk:
            rows = _whole(client, resource, landing, known, bulk)
        else:
            rows = _changes(client, resource, landing, cursor or "", known, bulk, settings.shopify_bulk_from)
        yield dlt.resource(rows, name=resource.table)
    yield dlt.resource(claim_quarantine(WRITER, load, rejected, known), name="quarantine")


def _shop(client: Shopify, load: Load, known: Known) -> Iterator[pa.Table]:
    landing = Landing("shopify", SHOP.table, load, client.version, known(SHOP.table, ""))
    landing.add(*read_shop(client))
    yield from _finish(landing, "", landing.tally.count, "the shop itself")


def _whole(client: Shopify, resource: Resource, landing: Landing, known: Known, bulk: Bulk) -> Iterator[pa.Table]:
    # Another lane, or a load that disagreed with the shop, may have brought some before.
    landing.known = known(resource.table, "")
    yield from _at_once(client, resource, landing, bulk, "", "")


def _at_once(
    client: Shopify, resource: Resource, landing: Landing, bulk: Bulk, since: str, cursor: str
) -> Iterator[pa.Table]:
    """Give what a bulk operation holds: everything, or what was updated since a time and what was deleted."""
    operation = bulk.run()
    landing.lane = "bulk"
    documents = _completed(client, resource, bulk.read(operation)) if resource.apart else bulk.read(operation)
    yield from _gather(landing, resource, documents)
    roots, objects = int(operation["rootObjectCount"] or 0), int(operation.get("objectCount") or 0)
    said = (objects - roots if resource.below else roots) - landing.again
    landed = landing.tally.count
    if said != landed + landing.quarantined.count or (since and not landed):
        # The same result would be short, or bring nothing, again.
        bulk.forget()
    for gone in read_deletions(client, resource, since) if since else ():
        landing.add(*gone, op="delete")
    # What is updated while the operation runs may be in it or not: the next load starts where this one did.
    stand = min(landing.newest or cursor or operation["createdAt"], operation["createdAt"])
    said_by = "objectCount less rootObjectCount" if resource.below else "rootObjectCount"
    window = f" since {since}" if since else ""
    said += landing.tally.count - landed
    yield from _finish(landing, stand, said, f"{said_by} of the bulk operation{window}")


def _completed(client: Shopify, resource: Resource, documents: Iterable[Document]) -> Iterator[Document]:
    """Read again, some at a time, the documents that a bulk operation can't give whole."""
    waiting: dict[str, Document] = {}
    for document in documents:
        if document.partial and document.keys and document.keys.id:
            waiting[document.keys.id] = document
        else:
            yield document
        if len(waiting) == BATCH:
            yield from _again(client, resource, waiting)
            waiting = {}
    yield from _again(client, resource, waiting)


def _again(client: Shopify, resource: Resource, waiting: dict[str, Document]) -> Iterator[Document]:
    for identity, _, payload in read_again(client, resource.table, waiting):
        # What is gone by now lands as it was: the next load reads of its deletion.
        yield waiting[identity] if payload is None else Document(decode_line(payload), payload)


def _changes(
    client: Shopify, resource: Resource, landing: Landing, cursor: str, known: Known, bulk: Bulk, many: int
) -> Iterator[pa.Table]:
    since = _overlapping(cursor) if resource.searched else ""
    landing.known = known(resource.table, since)
    counted = count_changes(client, resource, since)
    if resource.bulk and since and counted - len(landing.known) >= many:
        bulk.narrow(updated_since(since), len(landing.known))
        yield from _at_once(client, resource, landing, bulk, since, cursor)
        return
    bulk.forget()
    read = _lacking if counted >= many else _paged
    for _ in range(TRIES):
        paged = Distinct()
        yield from _gather(landing, resource, read(client, resource, landing, since, paged))
        if counted <= len(paged):
            break
        counted = count_changes(client, resource, since)
    else:
        raise SourceError(
            f"Shopify counts more {resource.name} since {since} than it pages; run again when it is quieter."
        )
    for gone in read_deletions(client, resource, since):
        landing.add(*gone, op="delete")
    said = f"ids paged and {resource.count} since {since}" if resource.count else f"ids paged since {since}"
    yield from _finish(landing, landing.newest or cursor, landing.tally.count + landing.quarantined.count, said)


def _overlapping(cursor: str) -> str:
    """Give the time at which to start so that what Shopify's search showed late is read too."""
    if not cursor:
        return ""
    return f"{datetime.fromisoformat(cursor) - OVERLAP:%Y-%m-%dT%H:%M:%SZ}"


def _paged(client: Shopify, resource: Resource, _: Landing, since: str, seen: Distinct) -> Iterator[Document]:
    for documents in read_changes(client, resource, since):
        seen.note((one.keys and one.keys.id) or one.payload for one in documents)
        yield from documents


def _lacking(client: Shopify, resource: Resource, landing: Landing, since: str, seen: Distinct) -> Iterator[Document]:
    """Read the keys alone of a window most of which has landed, and the documents of those that haven't."""
    lacking: list[str] = []
    for keys in read_keys(client, resource, since):
        if not keys.id or not keys.version:
            # Only its document tells what it is.
            yield from _paged(client, resource, landing, since, seen)
            return
        seen.note([keys.id])
        landing.newest = max(landing.newest, keys.version)
        if not landing.has(keys.id, keys.version):
            lacking.append(keys.id)
    for _, _, payload in read_again(client, resource.table, lacking):
        if payload is not None:
            yield Document(decode_line(payload), payload)


def _gather(landing: Landing, resource: Resource, documents: Iterable[Document]) -> Iterator[pa.Table]:
    for document in documents:
        keys = document.keys
        if keys is None:
            landing.reject(document.payload, document.fault)
        elif gid_type(keys.id) not in resource.kinds or not _is_instant(keys.version):
            landing.reject(document.payload, "no id or no updatedAt")
        else:
            landing.add(str(keys.id), str(keys.version), document.payload)
            if landing.full:
                yield landing.take()


def _is_instant(version: str | None) -> bool:
    """Whether a version can be the next load's start."""
    try:
        return datetime.fromisoformat(version or "").tzinfo is not None
    except ValueError:
        return False


def _finish(landing: Landing, cursor: str, said: int, said_by: str) -> Iterator[pa.Table]:
    """Give the last rows and record the claim. The first batch of an empty object is the empty table."""
    mark = Mark(WRITER, landing.load.load_id, cursor, said, landing.tally.hash, said_by, landing.quarantined.count)
    claim(landing.table, mark)
    rows = landing.take()
    if rows.num_rows:
        yield rows
