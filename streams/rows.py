"""Bronze document rows gathered from events."""

from dataclasses import dataclass, field

import pyarrow as pa

from lake.bus import Event
from lake.documents import SCHEMA
from lake.proofs import Tally
from streams.documents import Document

LANE = "webhook"
DAY = "_received_at"


@dataclass
class Rows:
    """The rows of one table in one landing, what they claim, and how many events couldn't be read."""

    tally: Tally = field(default_factory=Tally)
    rejected: int = 0
    _rows: list[tuple[Document, Event]] = field(default_factory=list)

    @property
    def any(self) -> bool:
        """Whether there is something to commit."""
        return bool(self._rows) or self.rejected > 0

    def add(self, document: Document, event: Event) -> None:
        """Take a document and the event that brought it."""
        self.tally.add(document.identity, document.version)
        self._rows.append((document, event))

    def arrow(self, load_id: str) -> pa.Table:
        """Give the rows as a table of SCHEMA."""
        documents = [document for document, _ in self._rows]
        count = len(documents)
        return pa.Table.from_arrays(
            [
                pa.array([document.identity for document in documents], pa.string()),
                pa.array([document.version for document in documents], pa.string()),
                pa.array([document.payload for document in documents], pa.binary()).cast(pa.string()),
                pa.array([document.op for document in documents], pa.string()),
                pa.repeat(LANE, count),
                pa.array([event.api_version for _, event in self._rows], pa.string()),
                pa.array([event.received_at for _, event in self._rows], SCHEMA.field(DAY).type),
                pa.repeat(load_id, count),
            ],
            schema=SCHEMA,
        )
