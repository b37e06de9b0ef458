"""What a followed table looks like from one message on, beside the columns that bronze has of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import structlog

from lake.errors import SourceError
from pipelines.postgres.api import Connection
from pipelines.postgres.claims import PLACE
from pipelines.postgres.columns import Column, widest
from pipelines.postgres.definitions import Definition, later, read_definitions, why_moved, why_other
from pipelines.postgres.kinds import Kinds
from pipelines.postgres.layout import Before, Layout, Seen, changed_unseen, read_layouts
from pipelines.postgres.messages import Relation
from pipelines.postgres.rows import META, OURS
from pipelines.postgres.tables import SourceTable

log = structlog.get_logger("postgres")
TEXT = 25
NOWHERE = (-1, -1)


class Misfit(SourceError):  # noqa: N818
    """A table's rows don't fit into bronze any more: this table stops, and no other."""


@dataclass
class Followed:
    """A table being followed: its description, the last row that is durable, and what bronze has of it.

    ``types`` are the columns that bronze has (ours left out); ``stopped`` says why it isn't followed any more, and
    ``is_told`` that its mark says so already.
    ``layout`` is the one that the last rows had, ``first`` that of the load's beginning, and ``names`` those of all
    columns since; ``definition`` is what else it was when it was last looked at. ``anew`` is why the table must be
    copied again, and it is followed on.
    """

    table: SourceTable
    mark: tuple[int, int] = NOWHERE
    types: dict[str, pa.DataType] = field(default_factory=dict)
    stopped: str = ""
    layout: Layout = field(default_factory=dict)
    definition: Definition = field(default_factory=dict)
    anew: str = ""
    is_told: bool = False
    first: Layout = field(init=False)
    names: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self.first, self.names = self.layout, set(self.layout)

    @property
    def is_copied_again(self) -> bool:
        """Whether it is to be copied again, and followed on."""
        return bool(self.anew) and not self.stopped

    def reshaped(self, said: Sequence[str], held: Collection[str], kinds: Kinds) -> None:
        """Look at the layout, now that rows are ``said`` to have these columns and bronze has the ``held`` ones."""
        name = self.table.schema, self.table.name
        if seen := read_layouts(kinds.connection, [name]).get(name):
            self._compare(seen, said, held, kinds)
            self.layout = seen.layout
            self.names |= set(seen.layout)

    def _compare(self, seen: Seen, said: Sequence[str], held: Collection[str], kinds: Kinds) -> None:
        if self.layout and not self.anew:
            self.anew = changed_unseen(Before(self.layout, self.first, self.names, held), seen, said, kinds)


def look_unseen(connection: Connection, publication: str, followed: Sequence[Followed]) -> None:
    """Look at what the catalogue says of the tables, of which no row may tell, and note which to copy anew."""
    kinds, by_name = Kinds(connection), {(one.table.schema, one.table.name): one for one in followed}
    for name, seen in read_layouts(connection, by_name).items():
        by_name[name]._compare(seen, (), by_name[name].types, kinds)
    for name, definition in read_definitions(connection, publication, [one.table for one in followed]).items():
        one = by_name[name]
        moved = why_other(one.definition, definition) or why_moved(connection, one.definition, definition)
        one.anew = one.anew or moved
        one.definition = later(one.definition, definition)


def copied_again(followed: Iterable[Followed]) -> list[SourceTable]:
    """Give the tables that are to be copied again, and log why each is."""
    again = [one for one in followed if one.is_copied_again]
    for one in again:
        log.warning("a table is copied anew", table=one.table.bronze, reason=one.anew)
    return [one.table for one in again]


@dataclass(frozen=True)
class Shape:
    """The columns of a table's rows from one message on, in the order in which their values are sent."""

    followed: Followed
    columns: tuple[Column, ...]

    @property
    def is_key(self) -> list[bool]:
        """Tell for each column whether it is part of the key."""
        return [column.name in self.followed.table.key for column in self.columns]


def shape_of(relation: Relation, followed: Followed, kinds: Kinds) -> Shape:
    """Fit a relation to what bronze has, and note in ``followed.types`` what bronze will have.

    Raises Misfit when a column takes one of our names, when its type changed to one that the column in bronze
    can't hold, or when the key went.
    """
    columns, held = [], set(followed.types)
    for said in relation.columns:
        if said.name in META:
            raise Misfit(f"column {said.name} has a name that Boathouse gives its own column")
        column, kind = _fitted(kinds.column(said.name, said.oid, said.typmod), followed.types.get(said.name))
        columns.append(column)
        followed.types[said.name] = kind
    if lost := sorted(set(followed.table.key) - {column.name for column in columns}):
        raise Misfit(f"its key lost the column {', '.join(lost)}")
    followed.reshaped([column.name for column in columns], held, kinds)
    return Shape(followed, tuple(columns))


def fitted_table(table: SourceTable, types: Mapping[str, pa.DataType]) -> tuple[SourceTable, list[str]]:
    """Give the table with the columns as which a copy of it lands beside the rows that bronze has.

    Gives with it the columns for which there is no room beside the ones of the same name.
    """
    columns, unfit = [], []
    for column in table.columns:
        try:
            columns.append(_fitted(column, types.get(column.name))[0])
        except Misfit:
            columns.append(column)
            unfit.append(column.name)
    return replace(table, columns=tuple(columns)), unfit


def _fitted(column: Column, known: pa.DataType | None) -> tuple[Column, pa.DataType]:
    if known is None:
        return column, column.type
    if known == pa.string():
        # Text holds everything.
        return column._replace(oid=TEXT, typmod=-1), known
    if (kind := widest(known, column.type)) is None:
        raise Misfit(
            f"column {column.name} changed its type from {known} to {column.type}, "
            "which its column in bronze can't hold"
        )
    return column, kind


def united(batches: Iterable[pa.Table], types: dict[str, pa.DataType]) -> pa.Table:
    """Put rows that came in different shapes into one table: a column that a row's shape didn't have is null."""
    listed = list(batches)
    fields = {field.name: field for batch in listed for field in batch.schema if field.name not in META}
    theirs = [field.with_type(types.get(name, field.type)) for name, field in fields.items()]
    schema = pa.schema([*theirs, *OURS])
    return pa.concat_tables([aligned(batch, schema) for batch in listed])


def in_order(rows: pa.Table) -> pa.Table:
    """Sort rows by their place in the log, if they aren't: those of several partitions come apart."""
    lsns, ordinals = (rows[name].to_numpy() for name in PLACE)
    later = (lsns[1:] > lsns[:-1]) | ((lsns[1:] == lsns[:-1]) & (ordinals[1:] > ordinals[:-1]))
    return rows if later.all() else rows.sort_by([(name, "ascending") for name in PLACE])


def aligned(batch: pa.Table, schema: pa.Schema) -> pa.Table:
    """Bring a batch into a schema: missing columns as nulls, narrower types widened."""
    if batch.schema == schema:
        return batch
    arrays = [
        batch[field.name].cast(field.type) if field.name in batch.schema.names else pa.nulls(len(batch), field.type)
        for field in schema
    ]
    return pa.table(arrays, schema=schema)
