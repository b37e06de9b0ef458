"""The loops over bytes of the modules beside, compiled by numba where there is enough to decode, else as they are.

The compiled code is kept beside the source (numba's cache), so only the very first large load waits for the compiler.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from pipelines.postgres import digests, framing, scanning, tuples

WORTH_COMPILING = 2_000


class Loops(NamedTuple):
    """The loops, and how they want the bytes."""

    scan: Callable[..., tuple[int, int]]
    split: Callable[..., int]
    merge: Callable[..., None]
    gather: Callable[..., None]
    unwrap: Callable[..., tuple[int, int]]
    frame: Callable[..., tuple[int, int, int]]
    unframe: Callable[..., tuple[int, int]]
    find: Callable[..., tuple[int, int, int]]
    integers: Callable[..., int]
    numerics: Callable[..., None]
    uuids: Callable[..., int]
    join: Callable[..., None]
    digest: Callable[..., int]
    view: Callable[[bytes | memoryview], Any]


PLAIN = Loops(
    scanning.scan,
    scanning.split,
    scanning.merge,
    scanning.gather,
    framing.unwrap,
    framing.frame,
    tuples.unframe,
    tuples.find,
    tuples.integers,
    tuples.numerics,
    tuples.uuids,
    digests.join,
    digests.digest,
    memoryview,
)


@cache
def compiled() -> Loops:
    """Give the compiled loops; importing numba and reading its cache takes about a second, once a process."""
    import numba

    def jit(function: Callable[..., Any]) -> Callable[..., Any]:
        try:
            return numba.njit(cache=True, nogil=True)(function)
        except RuntimeError:
            # Neither the source's folder nor the user's cache can be written: compiled anew in every process.
            return numba.njit(nogil=True)(function)

    made = Loops(
        jit(scanning.scan),
        jit(scanning.split),
        jit(scanning.merge),
        jit(scanning.gather),
        jit(framing.unwrap),
        jit(framing.frame),
        jit(tuples.unframe),
        jit(tuples.find),
        jit(tuples.integers),
        jit(tuples.numerics),
        jit(tuples.uuids),
        jit(digests.join),
        jit(digests.digest),
        lambda data: np.frombuffer(data, np.uint8),
    )
    _rehearse(made)
    return made


def _rehearse(made: Loops) -> None:
    """Have the loops that follow changes compiled, or read from the cache, before there is anything to follow."""
    view, one, none = made.view(b"B"), np.zeros(1, np.int64), np.zeros(0, np.int64)
    state, rows = np.zeros(scanning.STATE, np.int64), np.zeros((scanning.FIELDS, 2), np.int64)
    made.scan(view, one, one + 1, 0, none, none, np.zeros((2, 1), np.int64), state, rows, 0)
    starts, sizes = np.zeros((1, 1), np.int64), np.zeros((1, 1), np.int64)
    made.split(view, one - 1, one, starts, sizes)
    made.merge(view, one.copy(), np.zeros(1, bool), starts, sizes)
    made.gather(view, one, one - 1, np.zeros(2, np.int32), np.zeros(0, np.uint8))
    made.unwrap(view, 0, one, one)
    made.join(starts, np.zeros(1, np.uint8), starts, sizes, np.zeros(32, np.uint8), np.zeros(2, np.int64))
    made.digest(np.zeros(1, np.uint8), np.zeros(2, np.int64), digests.ADDED, digests.TURNS, digests.PLACES)


def loops(messages: int) -> Loops:
    """Choose the loops for so many messages: a few are done before numba is imported."""
    return compiled() if messages >= WORTH_COMPILING or compiled.cache_info().currsize else PLAIN
