"""One load of an account: its events first, then each list, then what the events name."""

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import orjson
import pyarrow as pa

from lake.commits import Mark
from lake.errors import SourceError
from lake.settings import Settings
from pipelines.destination import claim, claim_quarantine
from pipelines.documents import Known, Landing, Load
from pipelines.stripe.api import Keys, Stripe
from pipelines.stripe.completion import complete
from pipelines.stripe.cursor import (
    OVERLAP,
    Cursor,
    created_version,
    iso,
    mode_of,
    refuse_another_account,
)
from pipelines.stripe.held import held
from pipelines.stripe.preflight import check_permissions
from pipelines.stripe.resources import EVENTS, TABLES, Resource
from pipelines.stripe.signals import Signals
from pipelines.stripe.sweep import Sweep
from pipelines.stripe.windows import Window, keys_of

WRITER = "stripe"
FRESH = timedelta(hours=1)
"""How old the mark of a table that nothing happens to may get, and with it the events that are read again."""

Rows = Iterator[pa.Table]


class Account:
    """What the tables of one load share: the client, where each stood, and what events said."""

    def __init__(self, settings: Settings, load: Load, marks: dict[str, Cursor], known: Known) -> None:
        """Open the account. Raises SettingError when the lake holds another account's documents, or another mode's."""
        refuse_another_account(settings, marks)
        self.settings, self.load, self.marks, self.known = settings, load, marks, known
        self.client = Stripe(settings)
        self.mode = mode_of(settings) or max((mark.mode for mark in marks.values()), default="")
        self.signals = Signals()
        self.heed_from = min((mark.event for mark in marks.values()), default="")
        self.next_event = ""

    def check(self) -> None:
        """See what the key may read before a table's first page, and say what a gap costs."""
        if len(self.marks) < len(TABLES):
            check_permissions(self.client)
        if any(mark.after_a_gap(self.load.received_at) for mark in self.marks.values()):
            self.load.notes.append(
                f"Stripe keeps events for 30 days and the last load is from before {self.heed_from[:10]}, "
                "so every list is read again whole and compared"
            )

    def events(self, landing: Landing) -> Rows:
        """Land the events and note what they are about; those of the first load are no signals."""
        mark = self.marks.get(EVENTS.table, Cursor())
        if mark.event:
            landing.known = self.known(EVENTS.table, min(self.heed_from, mark.known_from))
        if self.heed_from:
            recent = Window(Cursor(created=self.heed_from), endless=True)
            yield from self._pages(EVENTS, landing, recent, heed=True)
        window = Window(mark)
        if not mark.event or mark.low:
            yield from self._pages(EVENTS, landing, window)
        yield from self._finish(EVENTS, landing, window.moved() if window.high else mark)

    def objects(self, resource: Resource, landing: Landing) -> Rows:
        """Land a list's new objects, then read again what events named; the events have been read by then."""
        mark = self.marks.get(resource.table, Cursor())
        if mark.after_a_gap(self.load.received_at):
            mark = msgspec.structs.replace(mark, created="", high="", low="", sweep=iso(self.load.received_at))
        if mark.event:
            landing.known = self.known(resource.table, "" if mark.sweep else mark.known_from)
        sweep = Sweep(self.client, held(self.settings, resource.table)) if mark.sweep else None
        window = Window(mark)
        yield from self._pages(resource, landing, window, sweep=sweep)
        for identity in sweep.unmet(window.floor, mark.low) if sweep else ():
            self._read_again(resource, landing, identity, "", sweep)
        for identity, at in self.signals.since(resource.kind, mark.event) if mark.event else ():
            if not landing.has(identity, at):
                self._read_again(resource, landing, identity, at)
        yield from self._finish(resource, landing, window.moved())

    def quarantine(self, landings: list[Landing]) -> Rows:
        """Land what couldn't be identified; all else has been read by then."""
        yield from claim_quarantine(WRITER, self.load, landings, self.known)

    def _pages(
        self, resource: Resource, landing: Landing, window: Window, *, heed: bool = False, sweep: Sweep | None = None
    ) -> Rows:
        for objects in window.pages(self.client, resource):
            if resource is EVENTS and not self.next_event:
                self.next_event = iso(min(self.client.now(), self.load.received_at) - OVERLAP)
            for keys, payload in objects:
                self._take(resource, landing, keys, payload, heed, sweep)
            if landing.full:
                yield landing.take()

    def _take(
        self, resource: Resource, landing: Landing, keys: Keys, payload: bytes, heed: bool, sweep: Sweep | None
    ) -> None:
        version = created_version(keys.created)
        if not keys.id or not version:
            landing.reject(payload, "no id or no created time")
            return
        self._check_mode(resource, keys.livemode)
        if heed:
            self.signals.heed(keys.id, version, payload)
        if sweep is not None:
            payload = complete(self.client, resource, payload)
            version = sweep.version(keys.id, version, payload)
            if sweep.has(keys.id, version):
                return
        elif resource.lists and not landing.has(keys.id, version):
            payload = complete(self.client, resource, payload)
        landing.add(keys.id, version, payload)

    def _read_again(
        self, resource: Resource, landing: Landing, identity: str, version: str, sweep: Sweep | None = None
    ) -> None:
        payload, gone = document(self.client, resource, identity)
        self._check_mode(resource, keys_of(payload).livemode)
        if sweep is not None:
            version = sweep.version(identity, "", b"" if gone else payload)
            if sweep.has(identity, version):
                return
        landing.add(identity, version, payload, op="delete" if gone else "upsert")

    def _check_mode(self, resource: Resource, livemode: bool | None) -> None:
        """Never mix live and test documents, whatever the key looks like."""
        mode = {True: "live", False: "test", None: ""}[livemode]
        self.mode = self.mode or mode
        if mode and mode != self.mode:
            raise SourceError(
                f"Stripe sent a {mode}-mode document of {resource.path} where bronze holds {self.mode}-mode ones; "
                "use the key of one mode, or another BOATHOUSE_CATALOG_WAREHOUSE for the other."
            )

    def _finish(self, resource: Resource, landing: Landing, cursor: Cursor) -> Rows:
        before = self.marks.get(resource.table, Cursor())
        moved = cursor.low or before.low or cursor.sweep != before.sweep
        stale = before.event < iso(self.load.received_at - FRESH)
        cursor = msgspec.structs.replace(
            cursor, event=self.next_event, mode=self.mode, account=self.settings.stripe_account or ""
        )
        mark = Mark(
            WRITER,
            landing.load.load_id,
            msgspec.json.encode(cursor).decode(),
            landing.tally.count + landing.quarantined.count,
            landing.tally.hash,
            f"ids paged from {resource.path}" + (f" since {before.created}" if before.created else ""),
            landing.quarantined.count,
        )
        claim(landing.table, mark)
        if before.event and not landing.tally.count and (moved or stale):
            self.load.rowless[landing.table] = mark
        rows = landing.take()
        if rows.num_rows:
            yield rows


def document(client: Stripe, resource: Resource, identity: str) -> tuple[bytes, bool]:
    """Read one object whole as it is now, and say whether it is gone.

    Raises what ``Stripe.get`` raises.
    """
    found = client.find(resource.path, identity, resource.single())
    if found is None:
        return orjson.dumps({"id": identity, "object": resource.kind, "deleted": True}), True
    gone = keys_of(found).deleted
    return found if gone else complete(client, resource, found), gone
