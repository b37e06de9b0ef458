"""Rows of COPY (FORMAT binary) as Arrow columns, decoded a buffer at a time."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lake.errors import SourceError
from pipelines.postgres.arrays import Numbers, values_column
from pipelines.postgres.columns import (
    BOOL,
    DATE,
    FLOAT4,
    FLOAT8,
    INT2,
    INT4,
    NUMERIC,
    OID,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    Column,
)
from pipelines.postgres.compiling import Loops, loops
from pipelines.postgres.far import far_text
from pipelines.postgres.tuples import BROKEN, MISFIT, OUTSIDE

SIGNATURE = b"PGCOPY\n\xff\r\n\0"
HEADER = len(SIGNATURE) + 8
MOST_ROWS = 131_072
# What a row is taken to have when it is decided whether compiled loops are worth it.
ROW_BYTES = 512
# Postgres counts from 2000-01-01, Arrow from 1970-01-01.
EPOCH_DAYS, DAY = 10_957, 86_400_000_000
FIRST_DAY, LAST_DAY = -719_162, 2_932_896  # 0001-01-01, 9999-12-31
# The output functions whose text is what COPY (FORMAT binary) sends anyway.
SENT_AS_TEXT = {
    f"pg_catalog.{name}" for name in ("textout", "varcharout", "bpcharout", "nameout", "json_out", "enum_out")
}
# Those whose binary form is read here: a version before the text, and sixteen bytes.
JSONB, UUID = "pg_catalog.jsonb_out", "pg_catalog.uuid_out"
UUID_BYTES = 36
WIDTHS = {BOOL: 1, INT2: 2, OID: 4, FLOAT4: 4, DATE: 4, INT4: 4}

Mask = npt.NDArray[np.bool_]


def selected(column: Column, quoted: str) -> str:
    """Write what COPY is to select for a column whose quoted name is given: itself, or its text."""
    if not column.is_text or column.output in {*SENT_AS_TEXT, JSONB, UUID}:
        return quoted
    return f"pg_catalog.textin({column.output}({quoted}{column.cast}))"


class Decoder:
    """Turns the bytes of one COPY, in pieces of any size, into columns by name as ``columns.from_text`` gives them."""

    def __init__(self, columns: Sequence[Column], table: str) -> None:
        self._columns, self._table = columns, table
        self._rest = b""
        self._begun = False

    def feed(self, piece: bytes | memoryview) -> Iterator[dict[str, pa.Array]]:
        """Take in a piece, and give batches of at most MOST_ROWS rows of what is whole by now.

        Raises SourceError for bytes that are no rows of these columns.
        """
        data = b"".join([self._rest, piece])
        at = 0
        if not self._begun:
            if len(data) < HEADER:
                self._rest = data
                return
            if data[: len(SIGNATURE)] != SIGNATURE:
                raise self._broken("it doesn't begin as COPY does")
            at, self._begun = HEADER, True
        most = min(MOST_ROWS, (len(data) - at) // (2 + 4 * len(self._columns)) + 1)
        chosen = loops(max(most, len(data) // ROW_BYTES))
        starts = np.zeros((len(self._columns), most), np.int64)
        sizes = np.empty((len(self._columns), most), np.int64)
        while True:
            view = chosen.view(memoryview(data)[at:])
            rows, end, state = chosen.find(view, len(data) - at, starts, sizes)
            if state == BROKEN:
                raise self._broken("a row has other columns")
            if rows:
                yield self._batch(chosen, view, starts[:, :rows], sizes[:, :rows])
            at += end
            if rows < most:
                break
        self._rest = data[at:]

    def finish(self) -> None:
        """Raise SourceError when a row ended too early."""
        if self._rest:
            raise self._broken("it ends within a row")

    def _broken(self, how: str) -> SourceError:
        return SourceError(f"Postgres' copy of {self._table} can't be read: {how}; run again.")

    def _batch(self, chosen: Loops, view: Any, starts: Numbers, sizes: Numbers) -> dict[str, pa.Array]:
        found: dict[str, pa.Array] = {}
        try:
            for place, column in enumerate(self._columns):
                found |= _decoded(column, chosen, view, starts[place], sizes[place])
        except (pa.ArrowInvalid, ValueError) as error:
            raise self._broken(f"column {column.name} holds what is no {column.type} ({error})") from error
        return found


def _decoded(column: Column, chosen: Loops, view: Any, starts: Numbers, sizes: Numbers) -> dict[str, pa.Array]:
    kind = column.type
    if column.is_text and column.output == UUID:
        return {column.name: _uuids(chosen, view, starts, sizes)}
    if column.is_text and column.output == JSONB:
        if (np.asarray(view)[starts[sizes >= 0]] != 1).any():
            raise ValueError("its form is of another version")
        return {column.name: values_column(chosen, view, starts + 1, np.where(sizes < 0, sizes, sizes - 1), kind)}
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        return {column.name: values_column(chosen, view, starts, sizes, kind)}
    if column.oid == NUMERIC:
        return _numeric(column, chosen, view, starts, sizes)
    values = np.empty(len(sizes), np.int64)
    if (row := chosen.integers(view, starts, sizes, WIDTHS.get(column.oid, 8), values)) >= 0:
        raise ValueError(f"row {row} has {sizes[row]} bytes")
    null = sizes < 0
    if column.oid in (DATE, TIME, TIMESTAMP, TIMESTAMPTZ):
        return _moments(column, values, null)
    if column.oid == OID:
        values &= 0xFFFFFFFF
    typed: npt.NDArray[Any] = values
    if column.oid in (FLOAT4, FLOAT8):
        typed = values.astype(np.int32).view(np.float32) if column.oid == FLOAT4 else values.view(np.float64)
    elif column.oid == BOOL:
        typed = values != 0
    return {column.name: pa.array(typed, mask=null).cast(kind)}


def _uuids(chosen: Loops, view: Any, starts: Numbers, sizes: Numbers) -> pa.Array:
    ends = np.cumsum(np.where(sizes < 0, 0, UUID_BYTES))
    out = np.empty(int(ends[-1]), np.uint8)
    if (row := chosen.uuids(view, starts, sizes, out)) >= 0:
        raise ValueError(f"row {row} has {sizes[row]} bytes")
    offsets = pa.array(np.concatenate([[0], ends]).astype(np.int32))
    made = pa.StringArray.from_buffers(len(sizes), offsets.buffers()[1], pa.py_buffer(out))
    return pc.if_else(pa.array(sizes >= 0), made, None)


def _moments(column: Column, values: Numbers, null: Mask) -> dict[str, pa.Array]:
    """Move dates and times to Arrow's epoch; those that the type can't hold are null, and text beside."""
    if column.oid == TIME:
        outside, moved = values >= DAY, values
    elif column.oid == DATE:
        moved = values + EPOCH_DAYS
        outside = (moved < FIRST_DAY) | (moved > LAST_DAY)
        moved = moved.astype(np.int32)
    else:
        first, last = (FIRST_DAY - EPOCH_DAYS) * DAY, (LAST_DAY - EPOCH_DAYS + 1) * DAY
        outside = (values < first) | (values >= last)
        moved = np.where(outside, 0, values) + EPOCH_DAYS * DAY
    outside &= ~null
    typed = pa.array(moved, mask=null | outside).view(column.type)
    return {column.name: typed} | _beside(column, values, outside)


def _beside(column: Column, values: Numbers, outside: Mask) -> dict[str, pa.Array]:
    if column.beside is None or not outside.any():
        return {}
    said, places = np.unique(values[outside], return_inverse=True)
    indices = np.zeros(len(values), np.int64)
    indices[outside] = places
    texts = pa.array([far_text(column.oid, int(value)) for value in said], pa.string())
    return {column.beside.name: texts.take(pa.array(indices, mask=~outside))}


def _numeric(column: Column, chosen: Loops, view: Any, starts: Numbers, sizes: Numbers) -> dict[str, pa.Array]:
    limbs, kinds = np.empty((len(sizes), 4), np.int64), np.empty(len(sizes), np.int64)
    chosen.numerics(view, starts, sizes, column.type.scale, limbs, kinds)
    if (kinds == MISFIT).any():
        raise ValueError(f"row {int(np.argmax(kinds == MISFIT))} has more digits")
    outside = kinds == OUTSIDE
    valid = (sizes >= 0) & ~outside
    nulls = len(valid) - int(np.count_nonzero(valid))
    validity = pa.py_buffer(np.packbits(valid, bitorder="little")) if nulls else None
    data = pa.py_buffer(limbs.astype(np.uint32))
    typed = pa.Array.from_buffers(column.type, len(sizes), [validity, data], null_count=nulls)
    signs = np.zeros(len(sizes), np.int64)
    if outside.any():
        # The sign's second byte stands for the first's: NaN, Infinity, -Infinity.
        signs[outside] = [view[at + 4] for at in starts[outside].tolist()]
    return {column.name: typed} | _beside(column, signs, outside)
