"""Tables as they stand under one snapshot of the source: what it shows of a range of pages, as bronze rows."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
from psycopg import errors, sql

from lake.errors import UnreachableError
from lake.settings import Settings
from pipelines.postgres.api import Connection, connect, fetch_one
from pipelines.postgres.binary import Decoder
from pipelines.postgres.heaps import Heap, Range, copy_query
from pipelines.postgres.rows import snapshot_columns
from pipelines.postgres.slots import exported_slot
from pipelines.postgres.tables import SourceTable
from pipelines.postgres.wire import Copy

# A range's rows are numbered from here on, times its place: no two rows of a copy have the same place.
RANGE_ORDINALS = 2**32


@dataclass(frozen=True)
class Snapshot:
    """An open transaction that sees exactly what committed before ``consistent_lsn`` (bytes), or more than that.

    ``name`` lets other connections see the same; ``xmin`` is the oldest transaction that it may not see.
    """

    connection: Connection
    consistent_lsn: int
    name: str
    xmin: int


@contextmanager
def open_snapshot(
    settings: Settings, slot: str, tables: Sequence[SourceTable], *, temporary: bool
) -> Iterator[Snapshot]:
    """Create the slot and open a read-only transaction under its snapshot.

    The tables are locked against being rewritten (ACCESS SHARE) before the slot exists: rewriting isn't
    subject to snapshots and would show them empty.
    """
    with connect(settings) as connection:
        _begin(connection)
        _lock(connection, tables)
        with exported_slot(settings, slot, temporary=temporary) as exported:
            _take(connection, exported.snapshot)
            found = _described(connection, exported.consistent_lsn)
        yield found
        connection.execute("COMMIT")


@contextmanager
def later_snapshot(settings: Settings, tables: Sequence[SourceTable], consistent_lsn: int) -> Iterator[Snapshot]:
    """Open a read-only transaction that sees everything by now, for a copy that began at ``consistent_lsn`` (bytes)."""
    with connect(settings) as connection:
        _begin(connection)
        _lock(connection, tables)
        yield _described(connection, consistent_lsn)
        connection.execute("COMMIT")


@contextmanager
def joined(settings: Settings, snapshot: Snapshot) -> Iterator[Connection]:
    """Open another connection that sees what the snapshot sees."""
    with connect(settings) as connection:
        _begin(connection)
        _take(connection, snapshot.name)
        yield connection
        connection.execute("COMMIT")


def count_rows(snapshot: Snapshot, table: SourceTable) -> int:
    """Ask the source how many rows of the table the snapshot shows."""
    if table.partition_filters:
        parts = [
            f"SELECT count(*) AS n FROM ONLY {sql.Identifier(schema, name).as_string()} WHERE {row_filter}"
            for schema, name, row_filter in table.partition_filters
        ]
        query = f"SELECT sum(n)::int8 FROM ({' UNION ALL '.join(parts)}) AS counted"
        return int(str(snapshot.connection.execute(query.encode()).fetchall()[0][0]))
    only = "" if table.is_partitioned else "ONLY "
    where = f" WHERE {table.row_filter}" if table.row_filter else ""
    query = f"SELECT count(*) FROM {only}{table.identifier.as_string()}{where}"
    return int(str(snapshot.connection.execute(query.encode()).fetchall()[0][0]))


class RangeReader:
    """The rows of one range, read once; ``rows`` is the source's count of them, once all were read."""

    def __init__(self, table: SourceTable, heap: Heap, pages: Range, place: int, since: int | None = None) -> None:
        self.rows = 0
        self._table, self._place = table, place
        self._query = copy_query(table, heap, pages, since)

    def read(self, connection: Connection, consistent_lsn: int, at: datetime, load_id: str) -> Iterator[pa.Table]:
        """Give bronze rows (``_op`` r) in batches.

        They carry the position one byte before the first commit that isn't in the snapshot: a transaction may
        commit exactly at the consistent point; it comes as a change, after these rows.
        """
        decoder, copy = Decoder(self._table.columns, str(self._table)), Copy(connection, self._query)
        ordinal = self._place * RANGE_ORDINALS
        for piece in copy.pieces():
            for columns in decoder.feed(piece):
                count = len(next(iter(columns.values()))) if columns else 0
                ours = snapshot_columns(count, ordinal, consistent_lsn - 1, at, load_id)
                yield pa.table({**columns, **ours})
                ordinal += count
        decoder.finish()
        self.rows = copy.rows


def _begin(connection: Connection) -> None:
    connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")


def _take(connection: Connection, name: str) -> None:
    """Raises UnreachableError when the connection that exported the snapshot has ended, and the snapshot with it."""
    try:
        connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(name)))
    except (errors.UndefinedObject, errors.InvalidParameterValue) as error:
        # Until Postgres 17 a snapshot that is gone is an invalid identifier.
        raise UnreachableError(
            f"Postgres ended the connection that held the snapshot '{name}' for the copy; run again."
        ) from error


def _lock(connection: Connection, tables: Sequence[SourceTable]) -> None:
    names = sql.SQL(", ").join(table.identifier for table in tables)
    connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(names))


def _described(connection: Connection, consistent_lsn: int) -> Snapshot:
    xmin, name = fetch_one(connection, "SELECT pg_snapshot_xmin(pg_current_snapshot())::text, pg_export_snapshot()")
    # A tuple names its transaction by the lower half of the number.
    return Snapshot(connection, consistent_lsn, str(name), int(str(xmin)) % 2**32)
