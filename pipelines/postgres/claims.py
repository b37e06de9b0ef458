"""What the source says a load of a table holds: a count and an order-free hash that travel with it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import pyarrow as pa

from lake.commits import Mark
from lake.proofs import MODULUS, SEPARATOR, order_free_hash

WRITER = "postgres"
PLACE = ("_commit_lsn", "_ordinal")


@dataclass(frozen=True)
class Cursor:
    """How far a table was read: the last row taken, and what that load as a whole read.

    ``read_to`` is the position up to which the slot was read, ``loaded`` the tables that had rows in that
    load, ``as_text`` the columns that land as text because the table held values outside their type. ``stopped``
    says why the table isn't followed any more (one sentence without its full stop); it is empty while it is. What
    changed since is lost to bronze until the table is copied anew; the slot moves on without it.
    """

    slot: str
    commit_lsn: int
    ordinal: int
    read_to: int
    loaded: tuple[str, ...] = ()
    as_text: tuple[str, ...] = ()
    stopped: str = ""

    def to_json(self) -> str:
        """Write the cursor as the JSON text that a mark carries."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Cursor":
        """Read a cursor back from its JSON text."""
        said = json.loads(text)
        return cls(**{**said, "loaded": tuple(said["loaded"]), "as_text": tuple(said["as_text"])})


@dataclass
class Claim:
    """A running claim over the batches of one table in one load."""

    key: tuple[str, ...]
    said_by: str
    count: int = 0
    total: int = 0
    last: tuple[int, int] | None = None
    _identity: tuple[str, ...] | None = field(default=None, repr=False)

    def add(self, batch: pa.Table) -> None:
        """Take in a batch of bronze rows, in order of (_commit_lsn, _ordinal)."""
        if self._identity is None:
            self._identity = hashed_columns(batch.schema, self.key)
        self.count += batch.num_rows
        ids, versions = row_ids(batch, self._identity), row_versions(batch)
        self.total = (self.total + int(order_free_hash(ids, versions), 16)) % MODULUS
        if batch.num_rows:
            lsn, ordinal = (batch[name][-1].as_py() for name in PLACE)
            self.last = (lsn, ordinal)

    def mark(self, load_id: str, cursor: Cursor) -> Mark:
        """Give the mark that the load leaves in its commit."""
        return Mark(
            WRITER,
            load_id,
            cursor.to_json(),
            self.count,
            f"{self.total:016x}",
            self.said_by,
            identity=",".join((*(self._identity or ()), *PLACE)),
        )


def hashed_columns(schema: pa.Schema, key: Sequence[str]) -> tuple[str, ...]:
    """Pick the key columns whose text is the same in every engine: integers and text."""

    def plain(name: str) -> bool:
        kind = schema.field(name).type
        return (pa.types.is_integer(kind) or pa.types.is_string(kind)) and not set(name) & set(',"')

    return tuple(name for name in key if name in schema.names and plain(name))


def row_ids(batch: pa.Table, columns: Sequence[str]) -> pa.Array:
    """Join the columns' text by U+001F, nulls left out; null where nothing is left, as for a truncate."""
    texts = [batch[name].cast(pa.string()).to_pylist() for name in columns]
    joined = [[text for text in row if text is not None] for row in zip(*texts, strict=True)]
    ids = [SEPARATOR.join(row) if row else None for row in joined]
    return pa.array(ids or [None] * batch.num_rows, pa.string())


def row_versions(batch: pa.Table) -> pa.Array:
    """Join commit position and ordinal by U+001F."""
    lsns, ordinals = (batch[name].to_pylist() for name in PLACE)
    return pa.array([f"{a}{SEPARATOR}{b}" for a, b in zip(lsns, ordinals, strict=True)], pa.string())
