"""What the source says a load of a table holds: a count and an order-free hash that travel with it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa

from lake.commits import Mark
from lake.proofs import MODULUS
from pipelines.postgres.hashing import batch_total

WRITER = "postgres"
PLACE = ("_commit_lsn", "_ordinal")


@dataclass(frozen=True)
class Cursor:
    """How far a table was read: the last row taken, and the position up to which that load read the slot.

    ``stopped`` says why the table isn't followed any more (one sentence without its full stop); it is empty while it
    is. What changed since is lost to bronze until the table is copied anew; the slot moves on without it.

    ``anew`` asks for that copy: the next load copies the table again, after a row that empties it (``_op`` t). To have
    a table copied anew, leave a mark without rows that says so (``landing.ask_anew``). ``columns`` is the
    ``layout.Layout`` of the source's table at the last row taken, ``key`` its key, and ``definition`` its
    ``definitions.Definition`` when it was last looked at.
    """

    slot: str
    commit_lsn: int
    ordinal: int
    read_to: int
    stopped: str = ""
    anew: bool = False
    columns: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    definition: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Write the cursor as the JSON text that a mark carries."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Cursor":
        """Read a cursor back from its JSON text."""
        said = json.loads(text)
        known = {name: said[name] for name in cls.__dataclass_fields__ if name in said}
        columns = {name: (place[0], place[1], place[2]) for name, place in said.get("columns", {}).items()}
        return cls(**{**known, "columns": columns, "key": tuple(said.get("key", ()))})


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
        self.total = (self.total + batch_total(batch, (*self._identity, *PLACE))) % MODULUS
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
            identity=self.identity,
        )

    @property
    def identity(self) -> str:
        """The columns that the hash is made of, with commas between."""
        return ",".join((*(self._identity or ()), *PLACE))


def hashed_columns(schema: pa.Schema, key: Sequence[str]) -> tuple[str, ...]:
    """Pick the key columns whose text is the same in every engine: integers and text."""

    def plain(name: str) -> bool:
        kind = schema.field(name).type
        return (pa.types.is_integer(kind) or pa.types.is_string(kind)) and not set(name) & set(',"')

    return tuple(name for name in key if name in schema.names and plain(name))


def batch_hash(batch: pa.Table, identity: str) -> str:
    """Hash a batch's ``identity`` columns as the proof will: 16 hexadecimal digits, whatever the order of the rows."""
    return f"{batch_total(batch, identity.split(',')):016x}"
