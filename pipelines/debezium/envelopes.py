"""Debezium's change events out of Kafka messages: which row of which table changed, and where in the log."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import md5
from typing import Any
from uuid import UUID

from lake.errors import SourceError
from pipelines.postgres.naming import bronze_name

OPS = frozenset("rcudt")
MOVED_FROM = "__debezium.oldkey"
# Points far off, of geometry and of geography, that stand for a shape that wasn't known.
NOWHERE = ("0101000020E6100000000000FC83D797C1000000FC83D797C1", "0101000020E61000000C21E7FDFF7F66401842CEFBFF7F5640")
SRID = 4326


@dataclass(frozen=True)
class Event:
    """One change: its table, its key's columns, its values as JSON has them and the schemas of these, if they came.

    ``place`` is the order: the commit before it, and twice its own position in the log (bytes), one more for a row that
    got its key from another. ``unchanged`` are the columns whose value wasn't known to Debezium.
    """

    schema: str
    table: str
    op: str
    place: tuple[int, int]
    commit_at: int
    xid: int | None
    key: tuple[str, ...] = ()
    row: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unchanged: tuple[str, ...] = ()

    @property
    def bronze(self) -> str:
        """The name of its table in bronze, without the namespace."""
        return bronze_name(self.schema, self.table)


def read_event(key: bytes | None, value: bytes | None, headers: Mapping[str, bytes], placeholder: str) -> Event | None:
    """Read a message; None for what changes no row: tombstones, heartbeats, logical messages, transaction bounds.

    Raises SourceError for what isn't JSON of Debezium's Postgres connector, such as Avro or a flattened row.
    """
    if value is None:
        return None
    document = _json(value)
    schemas, payload = _opened(document)
    if payload is None or ("op" not in payload and ("ts_ms" in payload or "status" in payload)):
        return None
    if "op" not in payload or not isinstance(payload.get("source"), dict):
        raise SourceError(
            "A message has no 'op' and 'source', so it is no envelope of Debezium's; take out transformations that "
            "flatten it (ExtractNewRecordState), and use the JsonConverter."
        )
    if payload["op"] not in OPS:
        return None
    source = payload["source"]
    if source.get("connector", "postgresql") != "postgresql":
        raise SourceError(f"A message is of Debezium's connector for {source['connector']}; only Postgres' is read.")
    names = _fields(schemas)
    keys = _key(key)
    state = payload.get("before") if payload["op"] == "d" else payload.get("after")
    row = dict(state or {})
    if payload["op"] == "d":
        row = {**{name: row[name] for name in keys if name in row}, **keys}
    unchanged = tuple(name for name, said in row.items() if _is_placeholder(said, placeholder))
    return Event(
        schema=str(source["schema"]),
        table=str(source["table"]),
        op=payload["op"],
        place=_place(source, moved=MOVED_FROM in headers),
        commit_at=_commit_at(source),
        xid=source.get("txId"),
        key=tuple(keys),
        row={name: None if name in unchanged else said for name, said in row.items()},
        fields={name: names[name] for name in row if name in names} if payload["op"] != "t" else {},
        unchanged=unchanged,
    )


def _json(value: bytes) -> Any:
    try:
        return json.loads(value)
    except ValueError as error:
        raise SourceError(
            f"A message isn't JSON ({error}); set Debezium's value.converter and key.converter to "
            "org.apache.kafka.connect.json.JsonConverter."
        ) from None


def _opened(document: Any) -> tuple[Mapping[str, Any], Any]:
    """Take the Connect schema, if there is one, from what it describes."""
    if not isinstance(document, dict):
        raise SourceError("A message is no JSON object, so it is no envelope of Debezium's.")
    if set(document) == {"schema", "payload"}:
        return document["schema"] or {}, document["payload"]
    return {}, document


def _fields(schema: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Give the schemas of a row's columns out of an envelope's."""
    for part in schema.get("fields", ()):
        if part.get("field") in ("after", "before") and part.get("fields"):
            return {column["field"]: column for column in part["fields"]}
    return {}


def _key(key: bytes | None) -> dict[str, Any]:
    if not key:
        return {}
    payload = _opened(_json(key))[1]
    return dict(payload) if isinstance(payload, dict) else {}


def _place(source: Mapping[str, Any], *, moved: bool) -> tuple[int, int]:
    # An event's own position doesn't order transactions that ran side by side; the commit before it does.
    lsn = int(source["lsn"])
    before, _ = json.loads(source["sequence"]) if source.get("sequence") else (None, None)
    return int(before) if before is not None else lsn, 2 * lsn + moved


def _commit_at(source: Mapping[str, Any]) -> int:
    """Give the time of the commit, in microseconds since 1970."""
    return int(source["ts_us"]) if source.get("ts_us") is not None else int(source["ts_ms"]) * 1000


def _is_placeholder(said: Any, placeholder: str) -> bool:
    return isinstance(said, str | list | dict) and said in _placeholders(placeholder)


@cache
def _placeholders(placeholder: str) -> list[Any]:
    """Give every form that Debezium writes its placeholder in: as text, bytes, numbers, uuid, map or geometry.

    Not among them is that of boolean[], true as many times as the placeholder has bytes, which a row may well hold.
    """
    whole = placeholder.encode()
    packed = [base64.b64encode(bytes([byte])).decode() for byte in whole]
    return [
        *(placeholder, base64.b64encode(whole).decode(), whole.hex()),
        *([placeholder], [base64.b64encode(whole).decode()], [whole.hex()]),
        [str(UUID(bytes=md5(whole, usedforsecurity=False).digest(), version=3))],
        # Java's bytes have a sign.
        [byte - 256 * (byte > 127) for byte in whole],
        *(packed, [{"scale": 0, "value": one} for one in packed]),
        *({placeholder: placeholder}, json.dumps({placeholder: placeholder}, separators=(",", ":"))),
        *({"wkb": base64.b64encode(bytes.fromhex(shape)).decode(), "srid": SRID} for shape in NOWHERE),
    ]
