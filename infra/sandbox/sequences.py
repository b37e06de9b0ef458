"""Two ascending sequences of numbers, one after the other, without ever joining them whole."""

from collections.abc import Sequence
from typing import Any, overload

import numpy as np


class Chained(Sequence[int]):
    """``first`` followed by ``second``; a slice of it is an array of what it covers."""

    def __init__(self, first: Sequence[int], second: Sequence[int]) -> None:
        self.first = first
        self.second = second
        self._cut = len(first)

    def __len__(self) -> int:
        """Count both."""
        return self._cut + len(self.second)

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[int]: ...
    def __getitem__(self, place: int | slice) -> int | Sequence[int]:
        """Look up a place, or cut out places in a row."""
        if isinstance(place, slice):
            start, stop, _ = place.indices(len(self))
            head = self.first[start : max(start, min(stop, self._cut))] if start < self._cut else self.first[:0]
            tail = self.second[max(0, start - self._cut) : max(0, stop - self._cut)]
            return head if not len(tail) else tail if not len(head) else Chained(head, tail)
        place = place + len(self) if place < 0 else place
        return int(self.first[place] if place < self._cut else self.second[place - self._cut])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Make an array of both."""
        return np.concatenate([np.asarray(self.first, np.int64), np.asarray(self.second, np.int64)])


def chained(first: Sequence[int], second: Sequence[int]) -> Sequence[int]:
    """Put two sequences one after the other."""
    return Chained(first, second) if len(second) else first
