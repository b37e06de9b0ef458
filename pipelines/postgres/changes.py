"""Changes out of the slot's messages: which row of which table changed, in which transaction, in what order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
from psycopg import sql

from lake.errors import SourceError
from pipelines.postgres.api import Connection, lsn_to_text
from pipelines.postgres.columns import Column, from_text
from pipelines.postgres.kinds import Kinds
from pipelines.postgres.messages import (
    Absent,
    Begin,
    Commit,
    Delete,
    Insert,
    Relation,
    Row,
    Truncate,
    Update,
)
from pipelines.postgres.pgoutput import MessageError, decode
from pipelines.postgres.rows import bronze_rows
from pipelines.postgres.spool import Spool
from pipelines.postgres.tables import SourceTable

BATCH_ROWS = 50_000
BATCH_BYTES = 32 * 2**20
PEEK = """
COPY (SELECT data FROM pg_logical_slot_peek_binary_changes(
    {}, {}, NULL, 'proto_version', '1', 'publication_names', {})) TO STDOUT (FORMAT binary)
"""


def peek(connection: Connection, slot: str, publication: str, upto_lsn: int) -> Iterator[bytes]:
    """Stream the slot's messages of all transactions that committed before ``upto_lsn`` (bytes), confirming nothing."""
    query = sql.SQL(PEEK).format(
        sql.Literal(slot), sql.Literal(lsn_to_text(upto_lsn)), sql.Literal(sql.Identifier(publication).as_string())
    )
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        copy.set_types(["bytea"])
        for (data,) in copy.rows():
            yield data


@dataclass
class Followed:
    """A table being followed: its description, and the last row that is durable."""

    table: SourceTable
    mark: tuple[int, int]


@dataclass
class _Pending:
    """Rows of one table in one shape, not yet made into Arrow."""

    columns: tuple[Column, ...]
    rows: list[Row] = field(default_factory=list)
    ours: list[tuple[str, int, int, int, int, list[str]]] = field(default_factory=list)
    size: int = 0


class ChangeReader:
    """Folds messages, in the order of the log, into bronze rows in a spool.

    A row's ordinal is its place among all published rows of its transaction. What is at or below a
    table's mark is left out. ``read_to`` is the end of the last transaction seen (bytes).
    """

    def __init__(self, followed: Mapping[tuple[str, str], Followed], spool: Spool, load_id: str, kinds: Kinds) -> None:
        self.read_to = 0
        self._kinds = kinds
        self._followed = followed
        self._spool = spool
        self._load_id = load_id
        self._relations: dict[int, Relation] = {}
        self._pending: dict[tuple[str, str], _Pending] = {}
        self._begun: Begin | None = None
        self._ordinal = 0

    def take(self, data: bytes) -> None:
        """Take in one message.

        Raises MessageError for a message that is broken or out of place, SourceError for a row whose key
        wasn't sent.
        """
        match decode(data):
            case Begin() as begin:
                self._begun, self._ordinal = begin, 0
            case Commit() as commit:
                self._begun, self.read_to = None, max(self.read_to, commit.end_lsn)
            case Relation() as relation:
                self._reshape(relation)
            case Insert(relid, new):
                self._emit(relid, "c", new, len(data))
            case Update() as update:
                self._update(update, len(data))
            case Delete(relid, _, old):
                self._emit(relid, "d", old, len(data))
            case Truncate(relids):
                for relid in relids:
                    self._emit(relid, "t", [None] * len(self._relation(relid).columns), len(data))

    def finish(self) -> None:
        """Spool what is pending."""
        for key in self._pending:
            self._flush(key)

    def _relation(self, relid: int) -> Relation:
        if relid not in self._relations:
            raise MessageError(f"The replication stream speaks of the table number {relid} before describing it.")
        return self._relations[relid]

    def _reshape(self, relation: Relation) -> None:
        self._relations[relation.relid] = relation
        key = (relation.schema, relation.name)
        if key not in self._followed:
            return
        columns = tuple(self._kinds.column(c.name, c.oid, c.typmod) for c in relation.columns)
        if key in self._pending and self._pending[key].columns == columns:
            return
        if key in self._pending:
            self._flush(key)
        self._pending[key] = _Pending(columns)

    def _update(self, update: Update, size: int) -> None:
        relation = self._relation(update.relid)
        new = update.new
        if update.old is None:
            return self._emit(update.relid, "u", new, size)
        places = self._key_places(relation)
        whole = update.old_kind == "O"
        # An unchanged TOASTed value isn't sent anew even when the whole old row is: it stands there.
        new = [
            old if value is Absent.UNCHANGED and (whole or place in places) else value
            for place, (old, value) in enumerate(zip(update.old, new, strict=True))
        ]
        if all(update.old[place] == new[place] for place in places):
            return self._emit(update.relid, "u", new, size)
        self._emit(update.relid, "d", update.old, size)
        return self._emit(update.relid, "c", new, size)

    def _key_places(self, relation: Relation) -> list[int]:
        followed = self._followed.get((relation.schema, relation.name))
        names = followed.table.key if followed else ()
        return [place for place, column in enumerate(relation.columns) if column.name in names]

    def _emit(self, relid: int, op: str, row: Row, size: int) -> None:
        relation, begun = self._relation(relid), self._begun
        if begun is None:
            raise MessageError(
                f"The replication stream changes {relation.schema}.{relation.name} outside a transaction."
            )
        ordinal, self._ordinal = self._ordinal, self._ordinal + 1
        key = (relation.schema, relation.name)
        followed = self._followed.get(key)
        if followed is None or (begun.commit_lsn, ordinal) <= followed.mark:
            return
        pending = self._pending[key]
        unchanged = _unchanged(row, pending.columns)
        _check_key(followed.table, op, unchanged)
        pending.rows.append(row)
        pending.ours.append((op, begun.commit_lsn, ordinal, begun.commit_at, begun.xid, unchanged))
        pending.size += size
        if len(pending.rows) >= BATCH_ROWS or pending.size >= BATCH_BYTES:
            self._flush(key)

    def _flush(self, key: tuple[str, str]) -> None:
        pending = self._pending[key]
        if pending.rows:
            self._spool.write(self._followed[key].table.bronze, self._arrow(pending, ".".join(key)))
        self._pending[key] = _Pending(pending.columns)

    def _arrow(self, pending: _Pending, table: str) -> pa.Table:
        values = zip(*pending.rows, strict=True)
        columns: dict[str, pa.Array] = {}
        for column, sent in zip(pending.columns, values, strict=True):
            text = pa.array([None if v is Absent.UNCHANGED else v for v in sent], pa.string())
            columns |= from_text(text, column, table)
        ops, lsns, ordinals, commit_ats, xids, unchanged = zip(*pending.ours, strict=True)
        return bronze_rows(
            columns,
            ops=ops,
            lsns=lsns,
            ordinals=ordinals,
            commit_ats=commit_ats,
            xids=xids,
            unchanged=unchanged,
            load_id=self._load_id,
        )


def _unchanged(row: Row, columns: tuple[Column, ...]) -> list[str]:
    if Absent.UNCHANGED not in row:
        return []
    return [column.name for value, column in zip(row, columns, strict=True) if value is Absent.UNCHANGED]


def _check_key(table: SourceTable, op: str, unchanged: list[str]) -> None:
    if op != "t" and unchanged and (lost := sorted(set(table.key) & set(unchanged))):
        raise SourceError(
            f"Postgres sent a change of {table} without its key {', '.join(lost)}, too large to be sent along; run "
            f"in the database: ALTER TABLE {table} REPLICA IDENTITY FULL; and load the table anew."
        )
