"""Waiting until the fast lane has landed what is on the bus."""

import time
from datetime import timedelta

from pyiceberg.catalog import Catalog

from lake.bus import Event, open_bus, rank
from lake.catalogue import open_catalogue
from lake.errors import DocumentError, ServiceError
from lake.settings import Settings
from streams.documents import TABLES, documents_of, table_of
from streams.landing import MOST_AT_ONCE, Cursor, landed_to

PAUSE_SECONDS = 0.5


def wait_until_landed(settings: Settings, patience: timedelta) -> None:
    """Wait until bronze has every document of the events that are on the bus now; something else lands them.

    Raises ServiceError when that takes longer than ``patience``, or when the bus or the catalogue doesn't answer.
    """
    catalogue = open_catalogue(settings)
    wanted = _wanted(settings, catalogue)
    deadline = time.monotonic() + patience.total_seconds()
    while behind := [name for name, ends in wanted.items() if not _passed(landed_to(catalogue, name), ends)]:
        if time.monotonic() > deadline:
            raise ServiceError(
                f"The fast lane didn't land bronze.{behind[0]} in time; see what it says with `just stream`."
            )
        time.sleep(PAUSE_SECONDS)


def _wanted(settings: Settings, catalogue: Catalog) -> dict[str, Cursor]:
    """Give each table the positions of its last events that may not have landed."""
    bus = open_bus(settings)
    cursors = [cursor for name in TABLES if (cursor := landed_to(catalogue, name)) is not None]
    wanted: dict[str, Cursor] = {}
    for partition in bus.partitions():
        start = min((cursor.get(partition, "") for cursor in cursors), key=rank, default="")
        reader = bus.reader(partition, start)
        try:
            while entries := reader.read(MOST_AT_ONCE):
                for entry in entries:
                    for name in _tables(entry.event):
                        wanted.setdefault(name, {})[partition] = entry.position
        finally:
            reader.close()
    return wanted


def _tables(event: Event) -> list[str]:
    try:
        return [document.table for document in documents_of(event)]
    except DocumentError:
        name = table_of(event)
        return [] if name is None else [name]


def _passed(cursor: Cursor | None, ends: Cursor) -> bool:
    return cursor is not None and all(rank(cursor.get(partition, "")) >= rank(end) for partition, end in ends.items())
