"""First copies of tables: what a snapshot shows of them, landed with the mark from which they are followed."""

import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from lake.failpoints import reached
from lake.proofs import MODULUS
from lake.settings import Settings
from pipelines.postgres.api import connect
from pipelines.postgres.claims import Claim, Cursor
from pipelines.postgres.crew import Job, Task, Tell, silent, work
from pipelines.postgres.definitions import read_definition
from pipelines.postgres.flushing import new_load_id
from pipelines.postgres.heaps import cut, find_heaps
from pipelines.postgres.landing import Bronze, Draft
from pipelines.postgres.layout import read_layout
from pipelines.postgres.progress import Part, Progress, shape_of_rows
from pipelines.postgres.rows import bronze_schema, emptied_row
from pipelines.postgres.slots import check_slot_is_ours, drop_slot, find_slot
from pipelines.postgres.snapshot import RANGE_ORDINALS, Snapshot, count_rows, later_snapshot, open_snapshot
from pipelines.postgres.tables import SourceTable

COUNTED = "count(*) under the exported snapshot"
RESUMED = "COPY's counts under the exported snapshot and under a later one"


def resume_copies(
    settings: Settings, bronze: Bronze, tables: Sequence[SourceTable], tell: Tell = silent
) -> dict[str, int]:
    """Finish the copies that a killed process left, and give their rows by bronze table.

    Do this before the slot is confirmed any further: the changes since they began are read from it. A
    copy that can't go on (``Progress.fits``) begins anew with ``copy_tables``.
    """
    rows = {}
    with connect(settings) as connection:
        slot = find_slot(connection, settings.postgres_slot)
        for table in tables:
            if slot is None or (note := bronze.note(table.bronze)) is None:
                continue
            progress = Progress.from_json(note)
            layout = read_layout(connection, table.schema, table.name)
            if progress.fits(slot.name, slot.confirmed, shape_of_rows(table, layout), find_heaps(connection, table)):
                draft = bronze.draft(table.bronze, bronze_schema(table.columns))
                with later_snapshot(settings, [table], progress.consistent_lsn) as snapshot:
                    rows[table.bronze] = _Copying(settings, snapshot, table, draft, progress, tell).land(None)
    return rows


def copy_tables(
    settings: Settings,
    bronze: Bronze,
    tables: Sequence[SourceTable],
    read_to: int | None,
    anew: Collection[str] = (),
    tell: Tell = silent,
) -> dict[str, int]:
    """Land each table as one snapshot shows them all, and give its rows by bronze table.

    ``read_to`` is how far the slot was read for the other tables (bytes). When it is None there are none yet, and
    the slot is made with the snapshot; otherwise a temporary one that ends with it. Before the rows of those in
    ``anew`` (by bronze table) goes one that empties the table, in the same commit.
    """
    name = slot_of_copy(settings, is_first=read_to is None)
    rows = {}
    load_id, at = new_load_id(), datetime.now(UTC)
    with open_snapshot(settings, name, tables, temporary=read_to is not None) as snapshot:
        reached("cdc.after_slot_before_copy")
        for table in tables:
            draft = bronze.draft(table.bronze, bronze_schema(table.columns))
            if draft.note is not None:
                draft.drop(file for part in Progress.from_json(draft.note).done.values() for file in part.files)
            progress = _begun(settings, snapshot, table, load_id, at)
            copying = _Copying(settings, snapshot, table, draft, progress, tell)
            rows[table.bronze] = copying.land(read_to, anew=table.bronze in anew)
    reached("cdc.after_copy_before_stream")
    return rows


def slot_of_copy(settings: Settings, *, is_first: bool) -> str:
    """Name the slot that a copy makes: the lasting one when it is the first, which is seen not to be there then."""
    name = settings.postgres_slot
    reached("cdc.before_slot_create")
    if not is_first:
        return f"{name[:58]}_copy"
    # A slot without any mark is what a load left that died before its snapshot was durable.
    with connect(settings) as connection:
        check_slot_is_ours(settings, connection)
        drop_slot(connection, name)
    return name


def _begun(settings: Settings, snapshot: Snapshot, table: SourceTable, load_id: str, at: datetime) -> Progress:
    heaps = tuple(find_heaps(snapshot.connection, table))
    ranges = tuple(cut(heaps, settings.postgres_copy_workers))
    where = settings.postgres_slot, snapshot.consistent_lsn, snapshot.xmin
    layout = read_layout(snapshot.connection, table.schema, table.name)
    return Progress(*where, load_id, at, shape_of_rows(table, layout), heaps, ranges)


class _Copying:
    """The copy of one table: its ranges one by one, those that are done counted in."""

    def __init__(
        self, settings: Settings, snapshot: Snapshot, table: SourceTable, draft: Draft, progress: Progress, tell: Tell
    ) -> None:
        self._settings, self._snapshot, self._table, self._draft = settings, snapshot, table, draft
        self._progress, self._kept, self._tell = progress, time.monotonic(), tell
        self._claim = Claim(table.key, COUNTED)
        # Without rows it learns only which columns it hashes.
        self._claim.add(bronze_schema(table.columns).empty_table())

    def land(self, read_to: int | None, *, anew: bool = False) -> int:
        """Copy what is left, commit all of it and give the number of rows; ``anew`` has the table emptied before."""
        progress, resumed = self._progress, bool(self._progress.done)
        jobs = [Job(place, pages) for place, pages in enumerate(progress.ranges) if place not in progress.done]
        # Of the ranges that were copied before, what was written since: a row that was copied unchanged is there
        # already, and one that came from another range may be the only one to hold a long value that didn't change.
        jobs += [Job(len(progress.ranges) + place, progress.ranges[place], progress.xmin) for place in progress.done]
        again = []
        for job, part in work(
            self._settings, self._snapshot, Task(self._table, progress, self._draft, self._tell), jobs
        ):
            if job.since is not None:
                again.append(part)
            else:
                self._keep(replace(self._progress, done={**self._progress.done, job.place: part}))
        parts = [*self._progress.done.values(), *again]
        counted = sum(part.rows for part in parts) if resumed else count_rows(self._snapshot, self._table)
        if anew:
            parts.insert(0, self._emptied())
            counted += 1
        if resumed:
            self._claim.said_by = RESUMED
        self._claim.count, self._claim.total = counted, sum(part.total for part in parts) % MODULUS
        last = progress.consistent_lsn - 1, len(progress.ranges) * 2 * RANGE_ORDINALS
        layout = read_layout(self._snapshot.connection, self._table.schema, self._table.name)
        cursor = Cursor(
            progress.slot,
            *last,
            read_to or progress.consistent_lsn,
            columns=layout,
            key=self._table.key,
            definition=read_definition(self._snapshot.connection, self._settings.postgres_publication, self._table),
        )
        mark = replace(self._claim.mark(progress.load_id, cursor), claim_count=counted)
        self._draft.land([file for part in parts for file in part.files], progress.at, mark)
        return counted

    def _emptied(self) -> Part:
        progress = self._progress
        row = emptied_row(progress.consistent_lsn - 1, progress.at, progress.load_id)
        claim = Claim(self._table.key, "")
        claim.add(row)
        return Part(self._draft.write([row], progress.at), 1, claim.total)

    def _keep(self, progress: Progress) -> None:
        """Note what is done, now and then: nothing of a copy of a few seconds is worth noting."""
        self._progress = progress
        if time.monotonic() - self._kept >= self._settings.postgres_copy_note_interval:
            self._draft.keep(progress.to_json())
            self._kept = time.monotonic()
            reached("postgres.copy_noted")
