"""The order-free hash of a batch of rows, as the proof computes it from what landed (``lake.proofs.hash_sql``)."""

from collections.abc import Sequence
from hashlib import md5

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lake.proofs import MODULUS, SEPARATOR
from pipelines.postgres.compiling import PLAIN, Loops, loops
from pipelines.postgres.digests import ADDED, DIGITS, PLACES, TURNS

Numbers = npt.NDArray[np.int64]


def batch_total(batch: pa.Table, names: Sequence[str]) -> int:
    """Add up the rows' hashes, modulo MODULUS: each of the row's columns ``names``, which are integers and texts."""
    tools = loops(batch.num_rows)
    columns = [batch[name].combine_chunks() for name in names]
    return _plain(columns) if tools is PLAIN else _compiled(tools, columns)


def _plain(columns: Sequence[pa.Array]) -> int:
    total = 0
    for row in zip(*(column.to_pylist() for column in columns), strict=True):
        text = SEPARATOR.join(str(value) for value in row if value is not None)
        total += int.from_bytes(md5(text.encode(), usedforsecurity=False).digest()[8:], "little")
    return total % MODULUS


def _compiled(tools: Loops, columns: Sequence[pa.Array]) -> int:
    size, count = len(columns), len(columns[0])
    numbers, starts = np.zeros((size, count), np.int64), np.full((size, count), -1, np.int64)
    sizes = np.full((size, count), DIGITS, np.int64)
    texts: list[npt.NDArray[np.uint8]] = []
    before = 0
    for place, column in enumerate(columns):
        if pa.types.is_integer(column.type):
            numbers[place] = column.fill_null(0).to_numpy()
        else:
            _, offsets, data = column.buffers()
            ends = np.frombuffer(offsets, np.int32, count + 1, 4 * column.offset).astype(np.int64)
            starts[place], sizes[place] = ends[:-1] + before, np.diff(ends)
            texts.append(np.frombuffer(data or b"", np.uint8))
            before += len(texts[-1])
        if column.null_count:
            sizes[place, column.is_null().to_numpy(zero_copy_only=False)] = -1
    out = np.empty(int(sizes[sizes > 0].sum()) + size * count, np.uint8)
    offsets = np.empty(count + 1, np.int64)
    tools.join(numbers, np.concatenate([*texts, out[:0]]), starts, sizes, out, offsets)
    return int(tools.digest(out, offsets, ADDED, TURNS, PLACES))
