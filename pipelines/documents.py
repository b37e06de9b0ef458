"""Bronze documents: what a vendor sent, whole, beside the few columns that identify and order it."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import md5
from itertools import compress
from typing import Any

import numpy as np
import pyarrow as pa

from lake.adopted_files import numbered
from lake.commits import Mark
from lake.documents import QUARANTINE_SCHEMA, SCHEMA
from lake.fingerprints import Fingerprints, Prints
from lake.proofs import Tally, fingerprint

BATCH_ROWS = 20_000
BATCH_BYTES = 32 * 2**20
"""What waits for a batch at most; of it and of the batch there is one in memory."""

PIECE_ROWS = 1_000
"""Texts that are joined at a time."""

FILED = numbered(SCHEMA)

Known = Callable[[str, str], Fingerprints]
"""Gives the fingerprints of the (id, version) pairs that a bronze table holds from a version on."""


Row = tuple[str, str, bytes, str]
"""One document that waits to land: its id, its version, its JSON and what became of it (``_op``)."""


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
    (``again`` counts them), so that an overlapping window adds nothing. Documents are held against it, and against what
    this load added, a batch at a time.
    """

    source: str
    table: str
    load: Load
    api_version: str
    known: Fingerprints = field(default_factory=Fingerprints)
    lane: str = "poll"
    quarantined: Tally = field(default_factory=Tally)
    seen: int = 0
    newest: str = ""
    _again: int = 0
    _tally: Tally = field(default_factory=Tally)
    _waiting: dict[bytes, Row] = field(default_factory=dict)
    _repeated: Counter[bytes] = field(default_factory=Counter)
    _waiting_bytes: int = 0
    _sifted: list[Row] = field(default_factory=list)
    _sifted_bytes: int = 0
    _rejects: dict[bytes, dict[str, Any]] = field(default_factory=dict)
    _added: Fingerprints = field(default_factory=Fingerprints)

    def has(self, identity: str, version: str) -> bool:
        """Whether the table or this load has this version of a document."""
        mark = fingerprint(identity, version)
        return mark in self._waiting or mark in self._added or mark in self.known

    def add(self, identity: str, version: str, payload: bytes, op: str = "upsert") -> None:
        """Take one document: its id, its version (ISO 8601, UTC) and its JSON as received."""
        if not (payload.isascii() or _is_text(payload)):
            self.reject(payload, "not UTF-8 text")
            return
        self.seen += 1
        if version > self.newest:
            self.newest = version
        mark = fingerprint(identity, version)
        if mark in self._waiting:
            self._repeated[mark] += 1
        else:
            self._waiting[mark] = identity, version, payload, op
            self._waiting_bytes += len(payload)

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
    def tally(self) -> Tally:
        """The count and hash of what this load adds."""
        self._sift()
        return self._tally

    @property
    def again(self) -> int:
        """How often a document came that the table already has."""
        self._sift()
        return self._again

    @property
    def full(self) -> bool:
        """Whether enough new documents are there for a batch."""
        if len(self._waiting) >= BATCH_ROWS or self._waiting_bytes >= BATCH_BYTES:
            self._sift()
        return len(self._sifted) >= BATCH_ROWS or self._sifted_bytes >= BATCH_BYTES

    def take(self) -> pa.Table:
        """Give the waiting documents as rows of SCHEMA, columns numbered, and forget them."""
        self._sift()
        rows, self._sifted, self._sifted_bytes = self._sifted, [], 0
        count = len(rows)
        return pa.Table.from_arrays(
            [
                pa.array([row[0] for row in rows], pa.string()),
                pa.array([row[1] for row in rows], pa.string()),
                _texts([row[2] for row in rows]),
                pa.array([row[3] for row in rows], pa.string()),
                pa.repeat(self.lane, count),
                pa.repeat(self.api_version, count),
                pa.repeat(pa.scalar(self.load.received_at, SCHEMA.field("_received_at").type), count),
                pa.repeat(self.load.load_id, count),
            ],
            schema=FILED,
        )

    def rejects(self, known: Fingerprints) -> pa.Table:
        """Give the rejected documents that quarantine doesn't know yet as rows of QUARANTINE_SCHEMA."""
        rows = [row for mark, row in self._rejects.items() if mark not in known]
        return pa.Table.from_pylist(rows, schema=QUARANTINE_SCHEMA)

    def _sift(self) -> None:
        """Keep of the waiting documents those that neither the table nor this load has."""
        if not self._waiting:
            return
        prints, rows = Prints.of(self._waiting), self._waiting.values()
        known = self.known.among(prints)
        self._again += int(known.sum()) + sum(n for mark, n in self._repeated.items() if mark in self.known)
        fresh = ~known
        fresh[fresh] = self._added.add(prints.where(fresh))
        self._tally.take_all(prints.where(fresh))
        new = list(rows if fresh.all() else compress(rows, fresh))
        self._sifted += new
        self._sifted_bytes += sum(len(row[2]) for row in new)
        self._waiting, self._repeated, self._waiting_bytes = {}, Counter(), 0


def _texts(payloads: Sequence[bytes]) -> pa.ChunkedArray:
    """Put texts one behind the other, in pieces that are small enough for memory that is used again."""
    pieces = []
    for start in range(0, len(payloads), PIECE_ROWS):
        piece = payloads[start : start + PIECE_ROWS]
        ends = np.zeros(len(piece) + 1, np.int32)
        np.cumsum(np.fromiter(map(len, piece), np.int32, len(piece)), out=ends[1:])
        buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(piece))]
        pieces.append(pa.Array.from_buffers(pa.binary(), len(piece), buffers).cast(pa.string()))
    return pa.chunked_array(pieces, pa.string())


def _is_text(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
