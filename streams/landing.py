"""The fast lane: events land in bronze in small exactly-once commits, the bus position in each."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import structlog
from pyiceberg.catalog import Catalog

from lake.bus import Entry, GapError, Reader, open_bus, rank
from lake.catalogue import ensure_table, find_table, open_catalogue
from lake.commits import Mark, commit_once, last_mark
from lake.documents import SCHEMA
from lake.errors import DocumentError, LockedError
from lake.settings import Settings
from streams.documents import TABLES, documents_of, table_of
from streams.rows import DAY, Rows

WRITER = "webhook"
KEEP_UP = 10_000
"""Events after which a table that had none of them notes that it has seen them, so that its position stays fresh."""
MOST_AT_ONCE = 500

Cursor = dict[str, str]

log = structlog.get_logger("streams")


class Lander:
    """Lands what is on the bus, table by table; where each table stands is read from its own commits."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._bus, self._catalogue = settings, open_bus(settings), open_catalogue(settings)
        self._cursors = {name: landed_to(self._catalogue, name) for name in TABLES}
        self._reached: Cursor = {}
        self._readers: dict[str, Reader] = {}
        for partition in self._bus.partitions():
            starts = [cursor.get(partition, "") for cursor in self._cursors.values() if cursor is not None]
            start = min(starts, key=rank) if len(starts) == len(TABLES) else ""
            self._readers[partition] = self._bus.reader(partition, start)

    def land(self) -> int:
        """Land up to ``landing_rows`` events and give the number read; 0 when all have landed.

        Raises CommitError or ServiceError; what was committed by then stays. Make a new Lander then: it sees which
        tables have what, and lands the rest.
        """
        gathered = {name: Rows() for name in TABLES}
        count = 0
        for partition in list(self._readers):
            while count < self._settings.landing_rows and (entries := self._read(partition)):
                count += len(entries)
                for entry in entries:
                    self._take(partition, entry, gathered)
                self._reached[partition] = entries[-1].position
        for name, rows in gathered.items():
            if rows.any or self._stale(name):
                self._commit(name, rows)
        return count

    def close(self) -> None:
        """Let go of the bus."""
        for reader in self._readers.values():
            reader.close()

    def _read(self, partition: str) -> list[Entry]:
        first = partition not in self._reached
        try:
            entries = self._readers[partition].read(MOST_AT_ONCE)
        except GapError as error:
            self._lost(str(error))
            self._readers[partition] = self._bus.reader(partition)
            return self._readers[partition].read(MOST_AT_ONCE)
        if first and entries:
            passed = rank(entries[0].position) - 1
            if any(cursor and rank(cursor.get(partition, "")) < passed for cursor in self._cursors.values()):
                self._lost("events were removed from the bus before they landed")
        return entries

    def _lost(self, reason: str) -> None:
        log.error("events are missing in the fast lane, the next pull brings them", reason=reason)

    def _take(self, partition: str, entry: Entry, gathered: dict[str, Rows]) -> None:
        try:
            documents = documents_of(entry.event)
        except DocumentError:
            table = table_of(entry.event)
            if table is not None and self._new(table, partition, entry):
                gathered[table].rejected += 1
            return
        for document in documents:
            if self._new(document.table, partition, entry):
                gathered[document.table].add(document, entry.event)

    def _new(self, table: str, partition: str, entry: Entry) -> bool:
        cursor = self._cursors[table]
        return cursor is None or rank(entry.position) > rank(cursor.get(partition, ""))

    def _commit(self, name: str, rows: Rows) -> None:
        cursor = (self._cursors[name] or {}) | self._reached
        place = "-".join(f"{partition}@{position}" for partition, position in sorted(cursor.items()))
        load_id = f"{WRITER}-{place.replace(' ', '.')}"
        mark = Mark(
            WRITER,
            load_id,
            msgspec.json.encode(cursor).decode(),
            rows.tally.count + rows.rejected,
            rows.tally.hash,
            f"events on the bus {self._bus.name}",
            rows.rejected,
        )
        table = ensure_table(self._catalogue, f"bronze.{name}", SCHEMA, DAY)
        commit_once(table, [rows.arrow(load_id)], mark)
        self._cursors[name] = cursor

    def _stale(self, name: str) -> bool:
        cursor = self._cursors[name]
        return cursor is not None and any(
            rank(position) - rank(cursor.get(partition, "")) > KEEP_UP for partition, position in self._reached.items()
        )


def landed_to(catalogue: Catalog, name: str) -> Cursor | None:
    """Give the position up to which the events of a table have landed, by partition; None before the first."""
    table = find_table(catalogue, f"bronze.{name}")
    mark = None if table is None else last_mark(table, WRITER)
    return None if mark is None else msgspec.json.decode(mark.cursor, type=dict[str, str])


def land_all(settings: Settings) -> int:
    """Land everything that is on the bus now and give the number of events read.

    Raises LockedError while another process lands, and BoathouseError when it can't be done.
    """
    with alone(settings):
        lander = Lander(settings)
        try:
            return sum(iter(lander.land, 0))
        finally:
            lander.close()


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Let one process land at a time, since two would land the same events twice."""
    folder = settings.state_dir.absolute() / "streams"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "landing.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(f"Another process lands the events of {folder}; wait for it to end.") from None
        yield
