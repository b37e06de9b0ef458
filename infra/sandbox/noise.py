"""Numbers that look random but follow from a seed, a name and an index alone."""

import zlib

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_GOLDEN = 0x9E3779B97F4A7C15
_MASK = 2**64 - 1


def draw(seed: int, name: str, index: Ints, below: int) -> Ints:
    """Draw one whole number in [0, below) for each index, the same whenever and in whatever order it's asked.

    The mixing is splitmix64 (Steele, Lea and Flood, 2014).
    """
    start = (seed * _GOLDEN + zlib.crc32(name.encode()) * 0xD1342543DE82EF95) & _MASK
    x = np.atleast_1d(index).astype(np.uint64) * np.uint64(_GOLDEN) + np.uint64(start)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return ((x >> np.uint64(11)) % np.uint64(below)).astype(np.int64)
