"""Tables as they stand under an exported snapshot, streamed out by COPY in batches."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

import pyarrow as pa
import pyarrow.csv
from psycopg import sql

from lake.settings import Settings
from pipelines.postgres.api import Connection, connect
from pipelines.postgres.columns import OUTSIDE_SQL, from_text
from pipelines.postgres.rows import bronze_rows
from pipelines.postgres.slots import exported_slot
from pipelines.postgres.tables import SourceTable

BATCH_ROWS = 50_000
BATCH_BYTES = 32 * 2**20


class Snapshot(NamedTuple):
    """An open transaction that sees exactly what committed before ``consistent_lsn`` (bytes)."""

    connection: Connection
    consistent_lsn: int

    @property
    def commit_lsn(self) -> int:
        """The position that snapshot rows carry: one byte before the first commit that isn't in it.

        A transaction may commit exactly at the consistent point; it comes as a change, after these rows.
        """
        return self.consistent_lsn - 1


@contextmanager
def open_snapshot(
    settings: Settings, slot: str, tables: Sequence[SourceTable], *, temporary: bool
) -> Iterator[Snapshot]:
    """Create the slot and open a read-only transaction under its snapshot.

    The tables are locked against being rewritten (ACCESS SHARE) before the slot exists: rewriting isn't
    subject to snapshots and would show them empty.
    """
    with connect(settings) as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        names = sql.SQL(", ").join(table.identifier for table in tables)
        connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(names))
        with exported_slot(settings, slot, temporary=temporary) as exported:
            connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(exported.snapshot)))
        yield Snapshot(connection, exported.consistent_lsn)
        connection.execute("COMMIT")


def count_rows(snapshot: Snapshot, table: SourceTable) -> tuple[int, list[str]]:
    """Count the table's rows, and name the columns beside that its values outside their twins need."""
    doubtful = [(column, beside.name) for column in table.columns if (beside := column.beside)]
    tests = [
        sql.SQL("coalesce(bool_or({}), false)").format(
            sql.SQL(OUTSIDE_SQL[column.oid]).format(sql.Identifier(column.name))
        )
        for column, _ in doubtful
    ]
    selected = sql.SQL(", ").join([sql.SQL("count(*)"), *tests])
    query = sql.SQL("SELECT {} FROM {}{}").format(selected, table.identifier, _where(table))
    row = snapshot.connection.execute(query).fetchone()
    assert row is not None
    return int(str(row[0])), [name for (_, name), found in zip(doubtful, row[1:], strict=True) if found]


def snapshot_rows(
    snapshot: Snapshot, table: SourceTable, beside: Sequence[str], load_id: str, taken_at: datetime
) -> Iterator[pa.Table]:
    """Stream the table as bronze rows (``_op`` r), at most BATCH_ROWS at a time, each with the columns ``beside``.

    An empty table gives one batch without rows, so that its table in bronze and its mark come to be.
    """
    first = 0
    for text in _copied(snapshot.connection, table):
        columns: dict[str, pa.Array] = {}
        for column in table.columns:
            columns |= from_text(text[column.name].combine_chunks(), column, str(table))
        yield bronze_rows(
            columns | {name: pa.nulls(len(text), pa.string()) for name in beside if name not in columns},
            ops=["r"] * len(text),
            lsns=[snapshot.commit_lsn] * len(text),
            ordinals=range(first, first + len(text)),
            commit_ats=[taken_at] * len(text),
            xids=[None] * len(text),
            unchanged=[[]] * len(text),
            load_id=load_id,
        )
        first += len(text)


def _copied(connection: Connection, table: SourceTable) -> Iterator[pa.Table]:
    listed = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
    query = sql.SQL("COPY (SELECT {} FROM {}{}) TO STDOUT (FORMAT csv)").format(listed, table.identifier, _where(table))
    names = [column.name for column in table.columns]
    lines: list[bytes] = []
    size = rows = 0
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        for line in copy:
            lines.append(bytes(line))
            size += len(line)
            if len(lines) >= BATCH_ROWS or size >= BATCH_BYTES:
                yield _parsed(b"".join(lines), names)
                rows, size, lines = rows + len(lines), 0, []
    if lines or not rows:
        yield _parsed(b"".join(lines), names)


def _parsed(data: bytes, names: list[str]) -> pa.Table:
    """Read CSV as text columns; an unquoted empty field is null, a quoted one is empty text."""
    schema = pa.schema([(name, pa.string()) for name in names])
    if not data:
        return schema.empty_table()
    return pyarrow.csv.read_csv(
        io.BytesIO(data),
        read_options=pyarrow.csv.ReadOptions(column_names=names, block_size=len(data) + 1, use_threads=False),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=schema,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _where(table: SourceTable) -> sql.Composable:
    return sql.SQL("" if table.row_filter is None else f" WHERE {table.row_filter}")
