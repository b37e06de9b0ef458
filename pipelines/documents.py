"""Bronze documents: what a vendor sent, whole, beside the few columns that identify and order it."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import md5
from typing import Any

import pyarrow as pa

from lake.commits import Mark
from lake.documents import QUARANTINE_SCHEMA, SCHEMA
from lake.proofs import Tally, fingerprint

BATCH_ROWS = 5_000

Known = Callable[[str, str], frozenset[bytes]]
"""Gives the fingerprints of the (id, version) pairs that a bronze table holds from a version on."""


@dataclass(frozen=True)
class Load:
    """One load of one source: its id, when it began (UTC), and what is closed when its extraction ends.

    ``notes`` are sentences for the user, without their full stops; ``rowless`` the marks (by table) that are committed
    without rows, for their cursors' sake.
    """

    load_id: str
    received_at: datetime
    notes: list[str] = field(default_factory=list, compare=False)
    rowless: dict[str, Mark] = field(default_factory=dict, compare=False)
    opened: ExitStack = field(default_factory=ExitStack, compare=False, repr=False)

    @classmethod
    def begin(cls, source: str) -> "Load":
        """Begin a load of ``source`` now."""
        now = datetime.now(UTC)
        return cls(f"{source}-{now:%Y%m%dT%H%M%S%f}", now)


@dataclass
class Landing:
    """Gathers one object's documents into bronze rows and counts them, rejecting what can't be identified.

    ``known`` holds the fingerprints of the (id, version) pairs that the table already has: they are passed over
    (``again`` counts them), so that an overlapping window adds nothing.
    """

    source: str
    table: str
    load: Load
    api_version: str
    known: frozenset[bytes] = frozenset()
    lane: str = "poll"
    tally: Tally = field(default_factory=Tally)
    quarantined: Tally = field(default_factory=Tally)
    seen: int = 0
    again: int = 0
    newest: str = ""
    _rows: list[tuple[str, str, str, str]] = field(default_factory=list)
    _rejects: dict[bytes, dict[str, Any]] = field(default_factory=dict)
    _added: set[bytes] = field(default_factory=set)

    def has(self, identity: str, version: str) -> bool:
        """Whether the table or this load has this version of a document."""
        mark = fingerprint(identity, version)
        return mark in self.known or mark in self._added

    def add(self, identity: str, version: str, payload: bytes, op: str = "upsert") -> None:
        """Take one document: its id, its version (ISO 8601, UTC) and its JSON as received."""
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            self.reject(payload, "not UTF-8 text")
            return
        self.seen += 1
        self.newest = max(self.newest, version)
        mark = fingerprint(identity, version)
        if mark in self.known:
            self.again += 1
        elif mark not in self._added:
            self._added.add(mark)
            self.tally.take(mark)
            self._rows.append((identity, version, text, op))

    def reject(self, payload: bytes, reason: str) -> None:
        """Put a document that can't be identified into quarantine, with the reason."""
        self.seen += 1
        identity = md5(payload, usedforsecurity=False).hexdigest()
        mark = fingerprint(identity, reason)
        if mark in self._rejects:
            return
        self.quarantined.take(mark)
        self._rejects[mark] = {
            "id": identity,
            "source": self.source,
            "object": self.table,
            "reason": reason,
            "payload": payload.decode("utf-8", errors="replace"),
            "_received_at": self.load.received_at,
            "_load_id": self.load.load_id,
        }

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
                pa.array(payloads, pa.string()),
                pa.array(ops, pa.string()),
                pa.repeat(self.lane, count),
                pa.repeat(self.api_version, count),
                pa.repeat(pa.scalar(self.load.received_at, SCHEMA.field("_received_at").type), count),
                pa.repeat(self.load.load_id, count),
            ],
            schema=SCHEMA,
        )

    def rejects(self, known: frozenset[bytes]) -> pa.Table:
        """Give the rejected documents that quarantine doesn't know yet as rows of QUARANTINE_SCHEMA."""
        rows = [row for mark, row in self._rejects.items() if mark not in known]
        return pa.Table.from_pylist(rows, schema=QUARANTINE_SCHEMA)
