"""Changes out of the slot's messages: which row of which table changed, in which transaction, in what order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lake.errors import SourceError
from pipelines.postgres.arrays import Numbers, our_columns, text_column, unchanged_column
from pipelines.postgres.columns import from_text
from pipelines.postgres.compiling import Loops, loops
from pipelines.postgres.frames import Run
from pipelines.postgres.kinds import Kinds
from pipelines.postgres.messages import Relation, Truncate
from pipelines.postgres.partitions import leaves_of, root_of
from pipelines.postgres.pgoutput import MessageError, decode
from pipelines.postgres.rows import OURS
from pipelines.postgres.scanning import (
    AT,
    DROPPED,
    END,
    FIELDS,
    INSIDE,
    LSN,
    NEW,
    NEXT,
    NOW_AT,
    NOW_LSN,
    NOW_XID,
    NULL,
    OP,
    ORDINAL,
    READ_TO,
    SHAPE,
    STATE,
    UNCHANGED,
)
from pipelines.postgres.shapes import Followed, Misfit, Shape, in_order, shape_of, united

EMPTIED = ord("t")
Name = tuple[str, str]


@dataclass(frozen=True)
class Gathered:
    """Rows of one table, ready to land, and the place of the last of them: commit position and ordinal."""

    followed: Followed
    rows: pa.Table
    last: tuple[int, int]


class ChangeReader:
    """Folds runs of messages, in the order of the log, into bronze rows by table.

    A row's ordinal is its place among all published rows of its transaction; an update that says an old row
    or key takes two places. What is at or below a table's mark is left out. A table whose rows don't fit into
    bronze any more is stopped: ``Followed.stopped`` says why, and its rows are passed over from there.
    """

    def __init__(self, followed: Mapping[Name, Followed], kinds: Kinds, load_id: str) -> None:
        self.load_id = load_id
        self._kinds = kinds
        self._followed = dict(followed)
        self._shapes: list[Shape] = []
        self._relations: dict[int, tuple[Relation, int]] = {}
        self._state = np.zeros(STATE, np.int64)
        self._partitions: dict[int, Followed] = {}
        self._broken: set[str] = set()
        self._pending: dict[str, list[pa.Table]] = {}
        self.pending_rows = 0
        self.pending_bytes = 0

    @property
    def read_to(self) -> int:
        """The end of the last transaction that was read whole (bytes), 0 before the first."""
        return int(self._state[READ_TO])

    def feed(self, run: Run) -> None:
        """Take in a run of messages.

        Raises MessageError for a message that is broken or out of place.
        """
        tools = loops(len(run))
        view = tools.view(run.data)
        rows = np.empty((FIELDS, 2 * len(run)), np.int64)
        place, count = 0, 0
        while True:
            relids, shapes, marks = self._lookup()
            place, count = tools.scan(
                view, run.starts, run.ends, place, relids, shapes, marks, self._state, rows, count
            )
            if place == len(run):
                break
            match decode(run.message(place)):
                case Relation() as relation:
                    self._reshape(relation)
                case Truncate(relids=emptied):
                    rows, count = self._truncate(emptied, rows, count)
                case _:
                    raise MessageError(
                        f"A message of kind {run.message(place)[:1]!r} stands out of place in the stream."
                    )
            place += 1
        for shape in np.unique(rows[SHAPE, :count]):
            self._take(tools, view, self._shapes[shape], rows[:, :count][:, rows[SHAPE, :count] == shape])

    def take(self) -> list[Gathered]:
        """Give what is pending, one table of rows for each table of the source, and forget it."""
        gathered = []
        for followed in self._followed.values():
            if batches := self._pending.pop(followed.table.bronze, None):
                rows = in_order(united(batches, followed.types))
                last = rows["_commit_lsn"][-1].as_py(), rows["_ordinal"][-1].as_py()
                gathered.append(Gathered(followed, rows, last))
                followed.mark = last
        self.pending_rows = self.pending_bytes = 0
        return gathered

    def _lookup(self) -> tuple[Numbers, Numbers, Numbers]:
        known = sorted(self._relations)
        shapes = [self._relations[relid][1] for relid in known]
        marks = [shape.followed.mark for shape in self._shapes] or [(0, 0)]
        return np.array(known, np.int64), np.array(shapes, np.int64), np.array(marks, np.int64).T.copy()

    def _reshape(self, relation: Relation) -> None:
        shape = -1
        followed = self._followed.get((relation.schema, relation.name)) or self._rooted(relation.relid)
        if followed is not None and not followed.stopped:
            try:
                self._shapes.append(shape_of(relation, followed, self._kinds))
                shape = len(self._shapes) - 1
            except Misfit as error:
                self._stop(followed, str(error))
        self._relations[relation.relid] = (relation, shape)

    def _rooted(self, relid: int) -> Followed | None:
        """Find the followed table that a relation is a partition of."""
        if (root := root_of(self._kinds.connection, relid)) and (followed := self._followed.get(root)):
            self._partitions[relid] = followed
            return followed
        return None

    def _truncate(self, relids: tuple[int, ...], rows: Numbers, count: int) -> tuple[Numbers, int]:
        if not self._state[INSIDE]:
            raise MessageError("The replication stream empties a table outside a transaction.")
        rows = np.concatenate([rows, np.empty((FIELDS, len(relids)), np.int64)], axis=1)
        for relid in self._emptied(relids):
            if relid not in self._relations:
                raise MessageError(f"The replication stream empties the table number {relid} before describing it.")
            shape, position = self._relations[relid][1], self._position
            self._state[NEXT] += 1
            if shape >= 0 and position > self._shapes[shape].followed.mark:
                now = self._state[NOW_AT], self._state[NOW_XID]
                rows[:, count] = (shape, EMPTIED, -1, -1, *position, *now)
                count += 1
        return rows, count

    @property
    def _position(self) -> tuple[int, int]:
        """The place of the next row: the position of the transaction's commit, and its ordinal."""
        return int(self._state[NOW_LSN]), int(self._state[NEXT])

    def _emptied(self, relids: tuple[int, ...]) -> Iterator[int]:
        """Give the relations that stand for a table that is empty now; of one with partitions, when all of them are."""
        alone: dict[str, set[int]] = {}
        for relid in relids:
            if (followed := self._partitions.get(relid)) is None:
                yield relid
            else:
                alone.setdefault(followed.table.bronze, set()).add(relid)
        for emptied in alone.values():
            followed = self._partitions[min(emptied)]
            if emptied >= leaves_of(self._kinds.connection, followed.table.schema, followed.table.name):
                yield min(emptied)
            elif self._position > followed.mark:
                followed.anew = "a partition was emptied alone"

    def _take(self, tools: Loops, view: object, shape: Shape, rows: Numbers) -> None:
        followed = shape.followed
        if followed.table.bronze in self._broken:
            return
        size, count = len(shape.columns), rows.shape[1]
        starts, sizes = np.zeros((size, count), np.int64), np.empty((size, count), np.int64)
        ops = np.ascontiguousarray(rows[OP])
        ats, ends = np.ascontiguousarray(rows[AT]), np.ascontiguousarray(rows[END])
        if tools.split(view, ats, ends, starts, sizes) >= 0:
            raise MessageError(f"A change of {followed.table} in the replication stream is broken.")
        is_key = np.array(shape.is_key, bool)
        if (ops == NEW).any():
            tools.merge(view, ops, is_key, starts, sizes)
            rows = rows.copy()
            rows[OP] = ops
            lsns, ordinals = rows[LSN], rows[ORDINAL]
            new = (lsns > followed.mark[0]) | ((lsns == followed.mark[0]) & (ordinals > followed.mark[1]))
            kept = (ops != DROPPED) & new
            rows, starts, sizes = rows[:, kept], starts[:, kept], sizes[:, kept]
        try:
            self._keep(followed, self._arrow(tools, view, shape, rows, starts, sizes))
        except Misfit as error:
            self._broken.add(followed.table.bronze)
            self._stop(followed, str(error))

    def _arrow(
        self, tools: Loops, view: object, shape: Shape, rows: Numbers, starts: Numbers, sizes: Numbers
    ) -> pa.Table:
        followed = shape.followed
        names = [column.name for column in shape.columns]
        absent = (sizes[shape.is_key] == UNCHANGED).any(axis=0)
        if absent.any():
            raise Misfit(
                "a change of it came without its key, which is too large to be sent along; "
                f"ALTER TABLE {followed.table.identifier.as_string()} REPLICA IDENTITY FULL; mends that"
            )
        if ((sizes[shape.is_key] == NULL) & (rows[OP] != EMPTIED)).any():
            raise Misfit(
                f"a change of it came without its key ({', '.join(followed.table.key)}), which its replica identity, "
                "or that of one of its partitions, leaves out"
            )
        fields, arrays = [], []
        for place, column in enumerate(shape.columns):
            at, size = np.ascontiguousarray(starts[place]), np.ascontiguousarray(sizes[place])
            try:
                typed = from_text(text_column(tools, view, at, size), column, str(followed.table))
            except (SourceError, pa.ArrowInvalid) as error:
                raise Misfit(str(error).rstrip(".")) from error
            for name, array in typed.items():
                own = column.field.with_type(followed.types[name]) if name == column.name else None
                fields.append(own or column.beside)
                arrays.append(array.cast(own.type) if own else array)
        arrays += our_columns(rows, unchanged_column(sizes, names), self.load_id)
        return pa.table(arrays, schema=pa.schema([*fields, *OURS]))

    def _keep(self, followed: Followed, rows: pa.Table) -> None:
        if rows.num_rows:
            self._pending.setdefault(followed.table.bronze, []).append(rows)
            self.pending_rows += rows.num_rows
            self.pending_bytes += rows.nbytes

    def _stop(self, followed: Followed, reason: str) -> None:
        followed.stopped = reason
        for relid, (relation, _) in self._relations.items():
            owner = self._followed.get((relation.schema, relation.name)) or self._partitions.get(relid)
            if owner is followed:
                self._relations[relid] = (relation, -1)
