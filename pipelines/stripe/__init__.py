"""Stripe: each list newest first, then what was created since, and again what an event says has changed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dlt
import msgspec
import orjson
import pyarrow as pa

from lake.commits import Mark
from lake.settings import Settings
from pipelines.destination import claim, claim_quarantine
from pipelines.documents import Known, Landing, Load
from pipelines.stripe.api import Keys, Stripe, decode_keys
from pipelines.stripe.resources import EVENTS, RESOURCES, TABLES, Resource

__all__ = ["TABLES", "WRITER", "stripe_source"]

WRITER = "stripe"

OVERLAP = timedelta(minutes=5)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NEVER = 253_402_300_800  # the year 10000, in Unix seconds


class Cursor(msgspec.Struct, frozen=True):
    """Where a table's loads stand, both ISO 8601 in UTC: the newest ``created`` and the newest event heeded."""

    created: str = ""
    event: str = ""

    @property
    def known_from(self) -> str:
        """Give the earliest version that the next load may meet again."""
        return min(self.created, self.event)


@dlt.source(name="stripe", max_table_nesting=0)
def stripe_source(settings: Settings, load: Load, cursors: dict[str, str], known: Known) -> Any:
    """Read the account since ``cursors`` (table to a Cursor's JSON; a table without one is read whole).

    Events are signals: an object that an event names is read again, with the event's time as its version.
    ``known(table, since)`` gives the fingerprints of the (id, version) pairs that a table holds from ``since`` on.
    Yields Arrow tables of bronze documents. Raises CredentialsError, SettingError or SourceError.
    """
    client = Stripe(settings)
    load.opened.callback(client.close)
    marks = {table: msgspec.json.decode(text, type=Cursor) for table, text in cursors.items()}
    signals = Signals(min((mark.event for mark in marks.values()), default=""))
    landings: list[Landing] = []
    for resource in (EVENTS, *RESOURCES):
        landing = Landing("stripe", resource.table, load, client.version)
        landings.append(landing)
        rows = _resource(client, resource, landing, marks.get(resource.table), known, signals)
        yield dlt.resource(rows, name=resource.table)
    yield dlt.resource(claim_quarantine(WRITER, load, landings, known), name="quarantine")


class Signals:
    """What the events of this load say has changed: object kind to id to the latest event's time."""

    def __init__(self, since: str) -> None:
        """Heed events from ``since`` on; none when it is empty, since then everything is read anyway."""
        self.since = since
        self.changed: dict[str, dict[str, str]] = {}

    def heed(self, payload: bytes, at: str) -> None:
        """Note the object that an event is about."""
        about = (orjson.loads(payload).get("data") or {}).get("object") or {}
        if self.since and about.get("object") and about.get("id"):
            times = self.changed.setdefault(about["object"], {})
            times[about["id"]] = max(at, times.get(about["id"], ""))


def _resource(
    client: Stripe, resource: Resource, landing: Landing, mark: Cursor | None, known: Known, signals: Signals
) -> Iterator[pa.Table]:
    since = (signals.since if resource is EVENTS else mark.created) if mark else ""
    if mark is not None:
        landing.known = known(resource.table, min(since, mark.known_from))
    for objects in client.pages(resource.path, since=_unix(since)):
        for payload in objects:
            _take(landing, payload, signals if resource is EVENTS else None)
        if landing.full:
            yield landing.take()
    created = max(landing.newest, mark.created if mark else "")
    if mark is not None and resource is not EVENTS:
        _take_changed(client, resource, landing, mark, signals)
    yield from _finish(landing, Cursor(created, _iso_time(landing.load.received_at - OVERLAP)), resource, since)


def _finish(landing: Landing, cursor: Cursor, resource: Resource, since: str) -> Iterator[pa.Table]:
    said = landing.tally.count + landing.quarantined.count
    mark = Mark(
        WRITER,
        landing.load.load_id,
        msgspec.json.encode(cursor).decode(),
        said,
        landing.tally.hash,
        f"ids paged from {resource.path}" + (f" since {since}" if since else ""),
        landing.quarantined.count,
    )
    claim(landing.table, mark)
    rows = landing.take()
    if rows.num_rows:
        yield rows


def _take(landing: Landing, payload: bytes, signals: Signals | None) -> None:
    keys = _keys(payload)
    if keys is None or not keys.id or keys.created is None or not 0 <= keys.created < NEVER:
        landing.reject(payload, "no id or no created time")
        return
    version = _iso_time(EPOCH + timedelta(seconds=keys.created))
    if signals is not None:
        signals.heed(payload, version)
    landing.add(keys.id, version, payload)


def _take_changed(client: Stripe, resource: Resource, landing: Landing, mark: Cursor, signals: Signals) -> None:
    for identity, at in signals.changed.get(resource.kind, {}).items():
        if at >= mark.event and not landing.has(identity, at):
            payload = client.find(resource.path, identity) or _gone(resource, identity)
            keys = _keys(payload)
            landing.add(identity, at, payload, op="delete" if keys is not None and keys.deleted else "upsert")


def _gone(resource: Resource, identity: str) -> bytes:
    return orjson.dumps({"id": identity, "object": resource.kind, "deleted": True})


def _keys(payload: bytes) -> Keys | None:
    try:
        keys: Keys = decode_keys(payload)
    except msgspec.DecodeError:
        return None
    return keys


def _iso_time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _unix(since: str) -> int | None:
    return int(datetime.fromisoformat(since).timestamp()) if since else None
