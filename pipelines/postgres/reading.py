"""One load of the source: which tables are copied, which are followed, from where and up to where."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa

from lake.commits import Mark
from lake.errors import SourceError
from lake.settings import Settings
from pipelines.postgres.api import connect, current_lsn
from pipelines.postgres.changes import ChangeReader, Followed, peek
from pipelines.postgres.claims import Claim, Cursor
from pipelines.postgres.kinds import Kinds
from pipelines.postgres.preflight import check_server
from pipelines.postgres.rows import no_rows
from pipelines.postgres.slots import ANEW, Slot, drop_slot, find_slot
from pipelines.postgres.snapshot import Snapshot, count_rows, open_snapshot, snapshot_rows
from pipelines.postgres.spool import Spool
from pipelines.postgres.tables import SourceTable, ensure_publication, find_tables, published

HELD_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Plan:
    """What one load does: ``copied`` tables get a snapshot, ``followed`` ones their changes since their cursor.

    ``confirmed`` is where the slot stands (bytes).
    """

    copied: tuple[SourceTable, ...]
    followed: tuple[tuple[SourceTable, Cursor], ...]
    confirmed: int

    @property
    def is_first(self) -> bool:
        """Whether no table was ever loaded, so that the slot is yet to be made."""
        return not self.followed


@dataclass(frozen=True)
class Loaded:
    """A batch of one bronze table, or the mark that follows the table's last batch."""

    table: str
    batch: pa.Table | None = None
    mark: Mark | None = None


def plan_load(settings: Settings, cursors: Mapping[str, str | None]) -> Plan:
    """Check the source, see to the publication and decide what to read; reads no rows, makes no slot.

    Raises CredentialsError or SourceError in one sentence, also when tables have marks and their slot is gone.
    """
    with connect(settings) as connection:
        check_server(connection)
        tables = find_tables(connection, settings.postgres_tables)
        ensure_publication(connection, settings.postgres_publication, tables)
        tables = published(connection, settings.postgres_publication, tables)
        slot = find_slot(connection, settings.postgres_slot)
    marks = {t.bronze: Cursor.from_json(text) for t in tables if (text := cursors.get(t.bronze))}
    _check_slot(slot, marks)
    return Plan(
        copied=tuple(table for table in tables if table.bronze not in marks),
        followed=tuple((table, marks[table.bronze]) for table in tables if table.bronze in marks),
        confirmed=slot.confirmed if slot else 0,
    )


def _check_slot(slot: Slot | None, marks: Mapping[str, Cursor]) -> None:
    for name, cursor in marks.items():
        if slot is None or cursor.slot != slot.name:
            raise SourceError(
                f"The replication slot '{cursor.slot}' that bronze.{name} was read from is gone or lost, and with it "
                f"the changes since {name} was last read; {ANEW}."
            )
    # We confirm only what a durable mark says was read.
    if slot and marks and slot.confirmed > max(cursor.read_to for cursor in marks.values()):
        raise SourceError(
            f"The replication slot '{slot.name}' was created anew or moved on by another reader, "
            f"and changes are lost that bronze doesn't have; {ANEW}."
        )


def read_load(settings: Settings, plan: Plan, load_id: str, received_at: datetime) -> Iterator[Loaded]:
    """Read everything that the plan says, up to the log's end at the start.

    Tables that are followed come before those that are copied. Nothing is confirmed while there are rows
    to commit. Without any nothing is yielded, unless the server holds more than HELD_BYTES of log for us.
    """
    with ExitStack() as stack:
        spool = stack.enter_context(Spool())
        read_to = _follow(settings, plan, spool, load_id) if plan.followed else 0
        loaded = (*spool.tables, *(table.bronze for table in plan.copied))
        for table, _ in plan.followed:
            if table.bronze in spool.tables:
                claim = Claim(table.key, f"rows decoded from the slot up to position {read_to}")
                yield from _proven(claim, table.bronze, spool.read(table.bronze))
                after = _cursor(settings, claim, read_to, loaded)
                yield Loaded(table.bronze, mark=claim.mark(load_id, after))
        if plan.copied:
            yield from _copy(settings, plan, load_id, loaded, received_at, read_to)
        if plan.followed and not loaded and read_to - plan.confirmed > HELD_BYTES:
            yield from _say_read(settings, plan.followed[0], read_to, load_id)


def _say_read(settings: Settings, followed: tuple[SourceTable, Cursor], read_to: int, load_id: str) -> Iterator[Loaded]:
    """Leave a mark without rows that says how far the log was read, so that the server can let go of it."""
    table, before = followed
    claim = Claim((), f"no rows in the slot up to position {read_to}", last=(before.commit_lsn, before.ordinal))
    yield from _proven(claim, table.bronze, iter([no_rows()]))
    after = _cursor(settings, claim, read_to, (table.bronze,))
    yield Loaded(table.bronze, mark=claim.mark(load_id, after))


def _follow(settings: Settings, plan: Plan, spool: Spool, load_id: str) -> int:
    followed = {
        (table.schema, table.name): Followed(table, (mark.commit_lsn, mark.ordinal)) for table, mark in plan.followed
    }
    with connect(settings) as connection, connect(settings) as asking:
        # Types are asked for while the changes stream in.
        reader = ChangeReader(followed, spool, load_id, Kinds(asking))
        upto = current_lsn(connection)
        for data in peek(connection, settings.postgres_slot, settings.postgres_publication, upto):
            reader.take(data)
    reader.finish()
    return max(upto, reader.read_to)


def _copy(
    settings: Settings,
    plan: Plan,
    load_id: str,
    loaded: tuple[str, ...],
    received_at: datetime,
    read_to: int,
) -> Iterator[Loaded]:
    name = settings.postgres_slot
    if plan.is_first:
        # A slot without any mark is what a load left that died before its snapshot was durable.
        with connect(settings) as connection:
            drop_slot(connection, name)
    else:
        name = f"{name[:58]}_copy"
    with open_snapshot(settings, name, plan.copied, temporary=not plan.is_first) as snapshot:
        for table in plan.copied:
            yield from _copy_table(settings, snapshot, table, load_id, loaded, received_at, read_to)


def _copy_table(
    settings: Settings,
    snapshot: Snapshot,
    table: SourceTable,
    load_id: str,
    loaded: tuple[str, ...],
    received_at: datetime,
    read_to: int,
) -> Iterator[Loaded]:
    count, beside = count_rows(snapshot, table)
    claim = Claim(table.key, "count(*) under the exported snapshot")
    yield from _proven(claim, table.bronze, snapshot_rows(snapshot, table, beside, load_id, received_at))
    claim.last = claim.last or (snapshot.commit_lsn, -1)
    after = _cursor(settings, claim, read_to or snapshot.consistent_lsn, loaded)
    yield Loaded(table.bronze, mark=replace(claim.mark(load_id, after), claim_count=count))


def _proven(claim: Claim, table: str, batches: Iterator[pa.Table]) -> Iterator[Loaded]:
    for batch in batches:
        claim.add(batch)
        yield Loaded(table, batch)


def _cursor(settings: Settings, claim: Claim, read_to: int, loaded: tuple[str, ...]) -> Cursor:
    assert claim.last is not None
    return Cursor(settings.postgres_slot, *claim.last, read_to, loaded)
