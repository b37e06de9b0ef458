"""A set of fingerprints in sorted arrays: 16 bytes each, however many there are."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BATCH = 20_000
Numbers = NDArray[np.uint64]


class Prints(NamedTuple):
    """Fingerprints in any order, by halves: ``lower`` is what a hash is summed of (DuckDB's ``md5_number_lower``)."""

    lower: Numbers
    upper: Numbers

    @classmethod
    def of(cls, marks: Iterable[bytes]) -> "Prints":
        """Take fingerprints of 16 bytes each."""
        halves = np.frombuffer(b"".join(marks), "<u8").reshape(-1, 2)
        return cls(halves[:, 1].copy(), halves[:, 0].copy())

    def where(self, wanted: NDArray[np.bool_]) -> "Prints":
        """Give those that are wanted."""
        return Prints(self.lower[wanted], self.upper[wanted])

    def sorted(self) -> "Prints":
        """Give them in the order of their lower halves."""
        order = np.argsort(self.lower, kind="stable")
        return Prints(self.lower[order], self.upper[order])


class Fingerprints:
    """A growing set of fingerprints, asked and added to a batch at a time.

    It is kept in runs, each at least twice as long as the next, so that a batch costs the logarithm of their number.
    """

    def __init__(self, prints: Iterable[Prints] = ()) -> None:
        self._runs: list[Prints] = []
        for batch in prints:
            self.add(batch)

    def __len__(self) -> int:
        return sum(len(run.lower) for run in self._runs)

    def __contains__(self, mark: bytes) -> bool:
        return bool(self._runs) and bool(self.among(Prints.of([mark]))[0])

    def among(self, prints: Prints) -> NDArray[np.bool_]:
        """Say of each of these whether it is here."""
        found = np.zeros(len(prints.lower), np.bool_)
        for run in self._runs:
            found |= _among(run, prints)
        return found

    def add(self, prints: Prints) -> NDArray[np.bool_]:
        """Add what isn't here yet; say of each whether it was new, the first time that it comes."""
        new = ~self.among(prints) & _first(prints)
        if new.any():
            self._runs.append(prints.where(new).sorted())
        while len(self._runs) > 1 and len(self._runs[-2].lower) < 2 * len(self._runs[-1].lower):
            last, former = self._runs.pop(), self._runs.pop()
            joined = Prints(np.concatenate([former.lower, last.lower]), np.concatenate([former.upper, last.upper]))
            self._runs.append(joined.sorted())
        return new


class Distinct:
    """Counts different things without keeping them, by 64 bits of each.

    Of a million different ones two count as one in 3 of 10⁸ cases.
    """

    def __init__(self) -> None:
        self._there = Fingerprints()
        self._waiting: set[str | bytes] = set()

    def __len__(self) -> int:
        self._sift()
        return len(self._there)

    def note(self, things: Iterable[str | bytes]) -> None:
        """Count those that are new."""
        self._waiting.update(things)
        if len(self._waiting) >= BATCH:
            self._sift()

    def _sift(self) -> None:
        numbers = np.fromiter(map(hash, self._waiting), np.int64, len(self._waiting)).view(np.uint64)
        self._there.add(Prints(numbers, np.zeros_like(numbers)))
        self._waiting.clear()


def _first(prints: Prints) -> NDArray[np.bool_]:
    """Say of each whether it is the first of its kind among them."""
    order = np.lexsort((prints.upper, prints.lower))
    lower, upper = prints.lower[order], prints.upper[order]
    first = np.ones(len(order), np.bool_)
    first[order[1:]] = (lower[1:] != lower[:-1]) | (upper[1:] != upper[:-1])
    return first


def _among(run: Prints, prints: Prints) -> NDArray[np.bool_]:
    found = np.zeros(len(prints.lower), np.bool_)
    places = np.searchsorted(run.lower, prints.lower)
    asked = np.arange(len(prints.lower))
    while asked.size:
        asked = asked[places[asked] < len(run.lower)]
        asked = asked[run.lower[places[asked]] == prints.lower[asked]]
        hit = run.upper[places[asked]] == prints.upper[asked]
        found[asked[hit]] = True
        # Two fingerprints may share their lower half.
        asked = asked[~hit]
        places[asked] += 1
    return found
