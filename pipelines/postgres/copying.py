"""First copies of tables: what a snapshot shows of them, landed with the mark from which they are followed."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from lake.failpoints import reached
from lake.settings import Settings
from pipelines.postgres.api import connect
from pipelines.postgres.claims import Claim, Cursor
from pipelines.postgres.flushing import new_load_id
from pipelines.postgres.landing import Bronze
from pipelines.postgres.layout import read_layout
from pipelines.postgres.rows import emptied_row
from pipelines.postgres.slots import drop_slot
from pipelines.postgres.snapshot import Snapshot, count_rows, open_snapshot, snapshot_rows
from pipelines.postgres.spool import Spool
from pipelines.postgres.tables import SourceTable


def copy_tables(
    settings: Settings,
    bronze: Bronze,
    tables: Sequence[SourceTable],
    read_to: int | None,
    anew: Collection[str] = (),
) -> dict[str, int]:
    """Land each table as one snapshot shows them all, and give its rows by bronze table.

    ``read_to`` is how far the slot was read for the other tables (bytes). When it is None there are none yet, and
    the slot is made with the snapshot; otherwise a temporary one that ends with it. Before the rows of those in
    ``anew`` (by bronze table) goes one that empties the table, in the same commit.
    """
    name = settings.postgres_slot
    reached("cdc.before_slot_create")
    if read_to is None:
        # A slot without any mark is what a load left that died before its snapshot was durable.
        with connect(settings) as connection:
            drop_slot(connection, name)
    else:
        name = f"{name[:58]}_copy"
    rows = {}
    load_id, at = new_load_id(), datetime.now(UTC)
    with open_snapshot(settings, name, tables, temporary=read_to is not None) as snapshot:
        reached("cdc.after_slot_before_copy")
        for table in tables:
            rows[table.bronze] = _copy_table(
                settings, bronze, snapshot, table, load_id, at, read_to, anew=table.bronze in anew
            )
    reached("cdc.after_copy_before_stream")
    return rows


def _copy_table(
    settings: Settings,
    bronze: Bronze,
    snapshot: Snapshot,
    table: SourceTable,
    load_id: str,
    at: datetime,
    read_to: int | None,
    *,
    anew: bool,
) -> int:
    count, beside = count_rows(snapshot, table)
    claim = Claim(table.key, "count(*) under the exported snapshot")
    layout, _ = read_layout(snapshot.connection, table.schema, table.name)
    with Spool() as spool:
        if anew:
            emptied = emptied_row(snapshot.commit_lsn, at, load_id)
            claim.add(emptied)
            spool.write(table.bronze, emptied)
            count += 1
        for batch in snapshot_rows(snapshot, table, beside, load_id, at):
            reached("cdc.during_copy")
            claim.add(batch)
            spool.write(table.bronze, batch)
        last = claim.last or (snapshot.commit_lsn, -1)
        cursor = Cursor(settings.postgres_slot, *last, read_to or snapshot.consistent_lsn, columns=layout)
        mark = replace(claim.mark(load_id, cursor), claim_count=count)
        bronze.land(table.bronze, batch.schema, spool.read(table.bronze), mark)
    return count
