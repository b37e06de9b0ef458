"""What Postgres' logical replication says: transactions, relations and changes of rows (pgoutput, version 1)."""

from enum import Enum
from typing import Literal, NamedTuple


class Absent(Enum):
    """Stands for a value that wasn't sent because the TOASTed column didn't change."""

    UNCHANGED = "unchanged"


Value = str | bytes | None | Literal[Absent.UNCHANGED]
Row = list[Value]


class Begin(NamedTuple):
    """A transaction starts: position of its commit, microseconds since 1970, transaction id."""

    commit_lsn: int
    commit_at: int
    xid: int


class Commit(NamedTuple):
    """A transaction ends: position of the commit, of the byte after it, microseconds since 1970."""

    commit_lsn: int
    end_lsn: int
    commit_at: int


class Origin(NamedTuple):
    """Where a replayed transaction came from."""

    lsn: int
    name: str


class RelationColumn(NamedTuple):
    """A column of a relation; ``is_key`` when it is part of the replica identity."""

    name: str
    oid: int
    typmod: int
    is_key: bool


class Relation(NamedTuple):
    """What a table looks like from here on."""

    relid: int
    schema: str
    name: str
    identity: str
    columns: tuple[RelationColumn, ...]


class TypeName(NamedTuple):
    """The name of a type that isn't built in."""

    oid: int
    schema: str
    name: str


class Insert(NamedTuple):
    """A row that came."""

    relid: int
    new: Row


class Update(NamedTuple):
    """A row that changed; ``old`` is the old key (``K``), the whole old row (``O``) or not sent."""

    relid: int
    old_kind: Literal["K", "O", ""]
    old: Row | None
    new: Row


class Delete(NamedTuple):
    """A row that went, known by its key (``K``) or as a whole (``O``)."""

    relid: int
    old_kind: str
    old: Row


class Truncate(NamedTuple):
    """Tables that were emptied."""

    relids: tuple[int, ...]
    cascade: bool
    restart_identity: bool


class LogicalMessage(NamedTuple):
    """What somebody wrote with pg_logical_emit_message."""

    transactional: bool
    lsn: int
    prefix: str
    content: bytes


Message = Begin | Commit | Origin | Relation | TypeName | Insert | Update | Delete | Truncate | LogicalMessage
