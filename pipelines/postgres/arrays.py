"""Arrow columns out of byte ranges: text as it was sent, our own columns, and the names of what wasn't sent."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.postgres.compiling import Loops
from pipelines.postgres.scanning import COMMIT_AT, LSN, OP, ORDINAL, UNCHANGED, XID

Numbers = npt.NDArray[np.int64]
MOST_BYTES = 2**31 - 1


def text_column(loops: Loops, view: Any, starts: Numbers, sizes: Numbers) -> pa.Array:
    """Copy one column's text out of the bytes; what is null or wasn't sent is null. It must be UTF-8."""
    return values_column(loops, view, starts, sizes, pa.string())


def values_column(loops: Loops, view: Any, starts: Numbers, sizes: Numbers, kind: pa.DataType) -> pa.Array:
    """Copy one column's values of the type ``kind``, text or bytes, out of the bytes, as text_column does."""
    count, sent = len(sizes), sizes >= 0
    total = int(sizes[sent].sum())
    if total > MOST_BYTES:
        raise ValueError(f"{total} bytes of one column in one run")
    offsets, data = np.empty(count + 1, np.int32), np.empty(total, np.uint8)
    loops.gather(view, starts, sizes, offsets, data)
    nulls = count - int(np.count_nonzero(sent))
    validity = pa.py_buffer(np.packbits(sent, bitorder="little")) if nulls else None
    array = pa.Array.from_buffers(kind, count, [validity, pa.py_buffer(offsets), pa.py_buffer(data)], null_count=nulls)
    array.validate(full=True)
    return array


def unchanged_column(sizes: Numbers, names: Sequence[str]) -> pa.Array:
    """List for each row the columns whose TOASTed value didn't change and wasn't sent."""
    rows, columns = np.nonzero(sizes.T == UNCHANGED)
    offsets = np.zeros(sizes.shape[1] + 1, np.int32)
    np.cumsum(np.bincount(rows, minlength=sizes.shape[1]), out=offsets[1:])
    values = pa.array(names, pa.string()).take(pa.array(columns, pa.int64()))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)


def our_columns(rows: Numbers, unchanged: pa.Array, load_id: str) -> list[pa.Array]:
    """Make the columns that Boathouse adds, in the order of ``rows.OURS``, out of the matrix that ``scan`` filled."""
    ops = pa.array([chr(code) for code in range(128)], pa.string())
    return [
        ops.take(pa.array(rows[OP], pa.int64())),
        pa.array(rows[LSN], pa.int64()),
        pa.array(rows[ORDINAL], pa.int64()),
        pa.array(rows[COMMIT_AT], pa.int64()).cast(pa.timestamp("us", tz="UTC")),
        pa.array(rows[XID], pa.int64()),
        unchanged,
        pa.repeat(load_id, rows.shape[1]),
    ]
