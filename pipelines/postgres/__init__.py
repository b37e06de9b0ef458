"""A Postgres database as a source: a consistent snapshot, then the changes from a replication slot."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import dlt
from dlt.sources import DltResource

from lake.settings import Settings
from pipelines.destination import claim
from pipelines.postgres.api import connect
from pipelines.postgres.claims import WRITER, Cursor
from pipelines.postgres.reading import plan_load, read_load
from pipelines.postgres.slots import advance
from pipelines.postgres.tables import find_tables


def bronze_tables(settings: Settings) -> list[str]:
    """Name the bronze tables (``pg_<schema>_<table>``) that the settings make us fill.

    Raises CredentialsError or SourceError when the source can't be reached or a table isn't there.
    """
    with connect(settings) as connection:
        return [table.bronze for table in find_tables(connection, settings.postgres_tables)]


__all__ = ["WRITER", "bronze_tables", "confirm", "postgres_source"]


@dlt.source(name="postgres", max_table_nesting=0)
def postgres_source(
    settings: Settings, load_id: str, cursors: Mapping[str, str | None], received_at: datetime
) -> DltResource:
    """Yield one load of every table as pyarrow Tables in the bronze contract of changes.

    ``cursors`` maps a bronze table to the cursor of its last durable mark, None before its first load.
    Each table's mark, cursor and claim in one, goes into the load package's state. A bad source raises
    CredentialsError or SourceError here; what fails later fails inside dlt, as the cause of its exception.
    """
    plan = plan_load(settings, cursors)

    @dlt.resource(name="changes", write_disposition="append")
    def changes() -> Iterator[Any]:
        for loaded in read_load(settings, plan, load_id, received_at):
            if loaded.batch is not None:
                yield dlt.mark.with_table_name(loaded.batch, loaded.table)
            if loaded.mark is not None:
                claim(loaded.table, loaded.mark)

    return changes


def confirm(settings: Settings, cursors: Mapping[str, str | None]) -> None:
    """Advance the slot as far as everything before is durable, so that the server can let go of its log.

    ``cursors`` are the cursors of the durable marks, read after the commits. The latest load counts only
    when every table that had rows in it has its mark; otherwise nothing moves.
    """
    marks = {table: Cursor.from_json(text) for table, text in cursors.items() if text}
    if not marks:
        return
    latest = max(mark.read_to for mark in marks.values())
    expected = {name for mark in marks.values() if mark.read_to == latest for name in mark.loaded}
    if any(name not in marks or marks[name].read_to < latest for name in expected):
        return
    with connect(settings) as connection:
        advance(connection, settings.postgres_slot, latest)
