"""What one load's documents have that those before hadn't, or the other way round."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

from lake.drift.shapes import Shape, share

ENOUGH = 20
"""Documents from which on a share of NULLs says something."""
JUMP = 0.1
SIGMAS = 4


class Kind(StrEnum):
    """How documents drift."""

    NEW_FIELD = "new_field"
    MISSING_FIELD = "missing_field"
    CHANGED_TYPE = "changed_type"
    NULLS_JUMPED = "nulls_jumped"
    UNKNOWN_VALUE = "unknown_value"
    UNCAST_VALUE = "uncast_value"


@dataclass(frozen=True)
class Change:
    """One drift of one table and lane: where, how often in how many documents, and an example without personal data."""

    table: str
    lane: str
    kind: Kind
    path: str
    detail: str
    count: int
    documents: int
    example: str = ""

    def __str__(self) -> str:
        """Write it as a person reads it."""
        example = f", such as {self.example}" if self.example else ""
        return f"{self.table} ({self.lane}): {self.path} {self.detail}, {self.count:,} of {self.documents:,}{example}"


def compare(table: str, lane: str, before: Shape, now: Shape) -> Iterator[Change]:
    """Compare a load's shape with that of all loads before it; nothing changed when there was none."""
    if not before.documents or not now.documents:
        return

    def change(kind: Kind, path: str, detail: str, count: int) -> Change:
        return Change(table, lane, kind, path, detail, count, now.documents)

    for path, kind in now.types.items():
        known = before.types.get(path)
        if known is None and _parent_known(path, before):
            yield change(Kind.NEW_FIELD, path, f"is new ({kind})", _present(now, path))
        elif known is not None and _changed(known, kind):
            yield change(Kind.CHANGED_TYPE, path, f"was {known} and is {kind}", _present(now, path))
    for path in before.nulls:
        yield from _gone(table, lane, before, now, path)


def _gone(table: str, lane: str, before: Shape, now: Shape, path: str) -> Iterator[Change]:
    if before.sampled < ENOUGH or now.sampled < ENOUGH:
        return
    was, is_ = share(before, path), share(now, path)
    if is_ - was <= JUMP + SIGMAS * sqrt(was * (1 - was) / now.sampled):
        return
    count = round(is_ * now.documents)
    if path not in now.types and _parent_known(path, now):
        yield Change(table, lane, Kind.MISSING_FIELD, path, "is no longer there", now.documents, now.documents)
    else:
        detail = f"is NULL in {is_:.0%}, before in {was:.0%}"
        yield Change(table, lane, Kind.NULLS_JUMPED, path, detail, count, now.documents)


def _changed(known: str, kind: str) -> bool:
    """Whether a type says something new; a NULL has no type, and an integer is a number."""
    return kind != known and "null" not in (kind, known) and known != "mixed" and (known, kind) != ("number", "integer")


def _parent_known(path: str, shape: Shape) -> bool:
    """Whether a path's parent is an object there: its fields are told apart from the parent's own coming and going."""
    parent = path.removesuffix("[]") if path.endswith("[]") else path.rpartition(".")[0]
    return not parent or shape.types.get(parent) in ("object", "list")


def _present(shape: Shape, path: str) -> int:
    """Estimate from the sample in how many documents a path is; in at least one, since it was seen."""
    return max(1, round((1 - share(shape, path)) * shape.documents)) if path in shape.nulls else 1
