"""How far the copy of a table is: which of its ranges are in bronze's files already, and what the rest must keep to."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import NamedTuple

from pipelines.postgres.heaps import Heap, Range
from pipelines.postgres.layout import Layout
from pipelines.postgres.tables import SourceTable


class Part(NamedTuple):
    """A range that was copied: the files, the source's count of its rows and the hash of what was read."""

    files: tuple[str, ...]
    rows: int
    total: int


@dataclass(frozen=True)
class Progress:
    """A copy under way.

    Its rows belong to the consistent point ``consistent_lsn`` (bytes) of the slot ``slot``, and the changes of the
    table are read from there on. ``xmin`` is the oldest transaction that may be missing in the snapshot of the parts
    that are done, by place in ``ranges``. ``shape`` is what was copied of each row.
    """

    slot: str
    consistent_lsn: int
    xmin: int
    load_id: str
    at: datetime
    shape: str
    heaps: tuple[Heap, ...]
    ranges: tuple[Range, ...]
    done: dict[int, Part] = field(default_factory=dict)

    def to_json(self) -> str:
        """Write it as the text of a note."""
        said = asdict(self) | {
            "at": self.at.isoformat(),
            "done": {str(place): part for place, part in self.done.items()},
        }
        return json.dumps(said, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Progress":
        """Read it back from its text."""
        said = json.loads(text)
        said["at"] = datetime.fromisoformat(said["at"])
        said["heaps"] = tuple(Heap(**heap) for heap in said["heaps"])
        said["ranges"] = tuple(Range(*one) for one in said["ranges"])
        parts = {int(place): Part(tuple(files), rows, total) for place, (files, rows, total) in said["done"].items()}
        return cls(**{**said, "done": parts})

    def fits(self, slot: str, confirmed: int, shape: str, heaps: Sequence[Heap]) -> bool:
        """Whether the copy can go on: every change since is still in the slot, and every row is where it was.

        A heap that was rewritten (VACUUM FULL, CLUSTER, ALTER TABLE) or partitions that came or went move rows
        between ranges without a trace.
        """
        files = [(heap.oid, heap.file) for heap in heaps]
        same = files == [(heap.oid, heap.file) for heap in self.heaps]
        return same and self.slot == slot and confirmed <= self.consistent_lsn and self.shape == shape


def shape_of_rows(table: SourceTable, layout: Layout) -> str:
    """Write down which columns and rows of a table are copied."""
    return json.dumps([[column.name for column in table.columns], layout, table.row_filter, *table.partition_filters])
