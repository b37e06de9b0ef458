"""Bronze documents: what a vendor sent, whole, beside the few columns that identify and order it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import md5
from typing import Any

import pyarrow as pa

from lake.proofs import Tally

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("version", pa.string()),
        ("payload", pa.string()),
        ("_op", pa.string()),
        ("_lane", pa.string()),
        ("_api_version", pa.string()),
        ("_received_at", pa.timestamp("us", tz="UTC")),
        ("_load_id", pa.string()),
    ]
)
QUARANTINE_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("source", pa.string()),
        ("object", pa.string()),
        ("reason", pa.string()),
        ("payload", pa.string()),
        ("_received_at", pa.timestamp("us", tz="UTC")),
        ("_load_id", pa.string()),
    ]
)
BATCH_ROWS = 5_000


@dataclass(frozen=True)
class Load:
    """One load of one source: its id, and when it began (UTC)."""

    load_id: str
    received_at: datetime

    @classmethod
    def begin(cls, source: str) -> "Load":
        """Begin a load of ``source`` now."""
        now = datetime.now(UTC)
        return cls(f"{source}-{now:%Y%m%dT%H%M%S%f}", now)


@dataclass
class Landing:
    """Gathers one object's documents into bronze rows and counts them, rejecting what can't be identified.

    ``known`` holds the (id, version) pairs that the table already has: they are passed over, so that an
    overlapping window adds nothing.
    """

    source: str
    table: str
    load: Load
    api_version: str
    known: frozenset[tuple[str, str]] = frozenset()
    lane: str = "poll"
    tally: Tally = field(default_factory=Tally)
    quarantined: Tally = field(default_factory=Tally)
    seen: int = 0
    newest: str = ""
    _rows: list[tuple[str, str, bytes, str]] = field(default_factory=list)
    _rejects: list[dict[str, Any]] = field(default_factory=list)
    _added: set[tuple[str, str]] = field(default_factory=set)

    def add(self, identity: str, version: str, payload: bytes, op: str = "upsert") -> None:
        """Take one document: its id, its version (ISO 8601, UTC) and its JSON as received."""
        self.seen += 1
        self.newest = max(self.newest, version)
        pair = (identity, version)
        if pair in self.known or pair in self._added:
            return
        self._added.add(pair)
        self.tally.add(identity, version)
        self._rows.append((identity, version, payload, op))

    def reject(self, payload: bytes, reason: str) -> None:
        """Put a document that can't be identified into quarantine, with the reason."""
        self.seen += 1
        identity = md5(payload, usedforsecurity=False).hexdigest()
        self.quarantined.add(identity, reason)
        self._rejects.append(
            {
                "id": identity,
                "source": self.source,
                "object": self.table,
                "reason": reason,
                "payload": payload.decode("utf-8", errors="replace"),
                "_received_at": self.load.received_at,
                "_load_id": self.load.load_id,
            }
        )

    @property
    def full(self) -> bool:
        """Whether enough documents are waiting for a batch."""
        return len(self._rows) >= BATCH_ROWS

    def take(self) -> pa.Table:
        """Give the waiting documents as rows of SCHEMA and forget them."""
        ids, versions, payloads, ops = zip(*self._rows, strict=True) if self._rows else ((), (), (), ())
        count = len(self._rows)
        self._rows.clear()
        return pa.Table.from_arrays(
            [
                pa.array(ids, pa.string()),
                pa.array(versions, pa.string()),
                pa.array(payloads, pa.binary()).cast(pa.string()),
                pa.array(ops, pa.string()),
                pa.repeat(self.lane, count),
                pa.repeat(self.api_version, count),
                pa.repeat(pa.scalar(self.load.received_at, SCHEMA.field("_received_at").type), count),
                pa.repeat(self.load.load_id, count),
            ],
            schema=SCHEMA,
        )

    def take_rejects(self) -> pa.Table:
        """Give the rejected documents as rows of QUARANTINE_SCHEMA and forget them."""
        rows, self._rejects = self._rejects, []
        return pa.Table.from_pylist(rows, schema=QUARANTINE_SCHEMA)
