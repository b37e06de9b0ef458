"""What somebody changes in the shop besides selling: documents deleted, and documents saved again."""

import threading
import time
from typing import Any

import numpy as np

from infra.sandbox.noise import Ints


class Edits:
    """When documents (by kind and number) were deleted or last saved, in seconds since 1970 UTC.

    It is kept as long as the sandbox runs.
    """

    def __init__(self) -> None:
        self.version = 0
        self.removed: dict[tuple[str, int], int] = {}
        self.saved: dict[tuple[str, int], int] = {}
        self._lock = threading.Lock()

    def remove(self, kind: str, number: int, at: int | None = None) -> None:
        """Delete a document now, or at a time."""
        with self._lock:
            self.removed.setdefault((kind, number), int(time.time()) if at is None else at)
            self.version += 1

    def save(self, kind: str, number: int, at: int | None = None) -> None:
        """Save a document again now, or at a time."""
        with self._lock:
            self.saved[kind, number] = int(time.time()) if at is None else at
            self.version += 1

    def times(self, kind: str, count: int, first: int) -> Ints:
        """Say when each of ``count`` documents of a kind last changed; ``first`` for those never saved again."""
        found = np.full(count, first, np.int64)
        for (saved, number), at in list(self.saved.items()):
            if saved == kind and number < count:
                found[number] = at
        return found

    def left(self, kind: str, numbers: Any) -> Any:
        """Leave out the numbers of deleted documents."""
        gone = {number for removed, number in list(self.removed) if removed == kind}
        return [number for number in np.asarray(numbers).tolist() if number not in gone] if gone else numbers
