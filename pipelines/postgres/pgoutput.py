"""The messages of Postgres' logical replication, protocol version 1 (pgoutput), out of their bytes.

The layout is the one of "Logical Replication Message Formats" in the PostgreSQL manual.
"""

import struct
from collections.abc import Callable

from lake.errors import SourceError
from pipelines.postgres.messages import (
    Absent,
    Begin,
    Commit,
    Delete,
    Insert,
    LogicalMessage,
    Message,
    Origin,
    Relation,
    RelationColumn,
    Row,
    Truncate,
    TypeName,
    Update,
)

# Postgres counts microseconds from 2000-01-01, Unix from 1970-01-01.
EPOCH_MICROSECONDS = 946_684_800_000_000


class MessageError(SourceError):
    """Bytes of the replication stream that aren't a message of protocol version 1."""


def decode(data: bytes) -> Message:
    """Read one message.

    Raises MessageError for a kind that protocol version 1 doesn't have, and for bytes that end too early
    or go on too long.
    """
    reader = DECODERS.get(data[:1])
    if reader is None:
        raise MessageError(f"The replication stream holds a message of the unknown kind {data[:1]!r}.")
    try:
        message, end = reader(data)
    except (struct.error, IndexError, ValueError) as error:
        raise MessageError(f"A message of kind {data[:1]!r} in the replication stream is broken: {error}.") from error
    if end != len(data):
        raise MessageError(f"A message of kind {data[:1]!r} has {len(data)} bytes where {end} were expected.")
    return message


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(b"\0", at)
    return data[at:end].decode(), end + 1


def _row(data: bytes, at: int) -> tuple[Row, int]:
    (columns,) = _INT16.unpack_from(data, at)
    at += 2
    row: Row = []
    for _ in range(columns):
        kind = data[at]
        at += 1
        if kind == 0x74 or kind == 0x62:  # t, b
            (size,) = _INT32.unpack_from(data, at)
            at += 4
            value = data[at : at + size]
            if size < 0 or len(value) != size:
                raise ValueError("a value ends too early")
            row.append(value.decode() if kind == 0x74 else value)
            at += size
        elif kind == 0x6E:  # n
            row.append(None)
        elif kind == 0x75:  # u
            row.append(Absent.UNCHANGED)
        else:
            raise ValueError(f"a value is of the unknown kind {chr(kind)!r}")
    return row, at


def _begin(data: bytes) -> tuple[Begin, int]:
    lsn, at, xid = _BEGIN.unpack_from(data, 1)
    return Begin(lsn, at + EPOCH_MICROSECONDS, xid), 21


def _commit(data: bytes) -> tuple[Commit, int]:
    _, lsn, end_lsn, at = _COMMIT.unpack_from(data, 1)
    return Commit(lsn, end_lsn, at + EPOCH_MICROSECONDS), 26


def _origin(data: bytes) -> tuple[Origin, int]:
    name, end = _text(data, 9)
    return Origin(_INT64.unpack_from(data, 1)[0], name), end


def _relation(data: bytes) -> tuple[Relation, int]:
    (relid,) = _UINT32.unpack_from(data, 1)
    schema, at = _text(data, 5)
    name, at = _text(data, at)
    identity = chr(data[at])
    (count,) = _INT16.unpack_from(data, at + 1)
    at += 3
    columns = []
    for _ in range(count):
        flags = data[at]
        column, at = _text(data, at + 1)
        oid, typmod = _TYPE.unpack_from(data, at)
        at += 8
        columns.append(RelationColumn(column, oid, typmod, bool(flags & 1)))
    # An empty namespace on the wire stands for pg_catalog.
    return Relation(relid, schema or "pg_catalog", name, identity, tuple(columns)), at


def _type_name(data: bytes) -> tuple[TypeName, int]:
    schema, at = _text(data, 5)
    name, at = _text(data, at)
    return TypeName(_UINT32.unpack_from(data, 1)[0], schema or "pg_catalog", name), at


def _insert(data: bytes) -> tuple[Insert, int]:
    _expect(data, 5, "N")
    row, at = _row(data, 6)
    return Insert(_UINT32.unpack_from(data, 1)[0], row), at


def _update(data: bytes) -> tuple[Update, int]:
    (relid,) = _UINT32.unpack_from(data, 1)
    kind = _expect(data, 5, "KON")
    if kind == "N":
        new, at = _row(data, 6)
        return Update(relid, "", None, new), at
    old, at = _row(data, 6)
    _expect(data, at, "N")
    new, at = _row(data, at + 1)
    return Update(relid, "K" if kind == "K" else "O", old, new), at


def _delete(data: bytes) -> tuple[Delete, int]:
    kind = _expect(data, 5, "KO")
    row, at = _row(data, 6)
    return Delete(_UINT32.unpack_from(data, 1)[0], kind, row), at


def _truncate(data: bytes) -> tuple[Truncate, int]:
    count, options = struct.unpack_from(">iB", data, 1)
    relids = struct.unpack_from(f">{count}I", data, 6)
    return Truncate(relids, bool(options & 1), bool(options & 2)), 6 + 4 * count


def _logical_message(data: bytes) -> tuple[LogicalMessage, int]:
    flags, lsn = struct.unpack_from(">BQ", data, 1)
    prefix, at = _text(data, 10)
    (size,) = _INT32.unpack_from(data, at)
    return LogicalMessage(bool(flags & 1), lsn, prefix, data[at + 4 : at + 4 + size]), at + 4 + size


def _expect(data: bytes, at: int, kinds: str) -> str:
    kind = chr(data[at])
    if kind not in kinds:
        raise ValueError(f"the mark {kind!r} stands where one of {kinds} belongs")
    return kind


_INT16, _INT32, _INT64 = struct.Struct(">h"), struct.Struct(">i"), struct.Struct(">Q")
_UINT32, _TYPE = struct.Struct(">I"), struct.Struct(">Ii")
_BEGIN, _COMMIT = struct.Struct(">QqI"), struct.Struct(">BQQq")

DECODERS: dict[bytes, Callable[[bytes], tuple[Message, int]]] = {
    b"B": _begin,
    b"C": _commit,
    b"O": _origin,
    b"R": _relation,
    b"Y": _type_name,
    b"I": _insert,
    b"U": _update,
    b"D": _delete,
    b"T": _truncate,
    b"M": _logical_message,
}
