"""Free ports on loopback: the one asked for, or the next."""

import hashlib
import threading
from collections.abc import Iterable
from pathlib import Path

from lake.errors import PortTakenError
from lake.ports import is_free

TRIES = 200


class Ports:
    """Give out ports that are free now, each once; two checkouts get different ones."""

    def __init__(self, state_dir: Path) -> None:
        """Start the search for unnamed ports at a place that follows from ``state_dir``.

        They stay below 32768, where systems hand out ports to outgoing connections.
        """
        self._given: set[int] = set()
        self._lock = threading.Lock()
        digest = hashlib.sha256(str(state_dir).encode()).digest()
        self._from = 11_000 + int.from_bytes(digest[:4], "big") % 9_000

    def take(self, asked: int, last: int | None, setting: str) -> int:
        """Take the ``last`` start's port, else ``asked``, else the next free one.

        Raises PortTakenError, naming ``setting``, when none of the next 200 is free.
        """
        after = range(asked, min(asked + TRIES, 65_536))
        port = self._first(([last] if last else []) + list(after))
        if port is None:
            raise PortTakenError(
                f"Port {asked} and the {len(after) - 1} after it are taken by something else; "
                f"set {setting} to a free port."
            )
        return port

    def take_any(self, last: int | None, twin: int = 0) -> int:
        """Take the ``last`` start's port or any, and with ``twin`` the port that much higher too."""
        port = self._first(([last] if last else []) + list(range(self._from, self._from + 2_000)), twin)
        if port is None:
            raise PortTakenError(f"No port from {self._from} to {self._from + 1_999} is free; stop what holds them.")
        return port

    def _first(self, candidates: Iterable[int], twin: int = 0) -> int | None:
        with self._lock:
            for port in candidates:
                wanted = {port, port + twin}
                if not wanted & self._given and all(is_free(one) for one in wanted):
                    self._given |= wanted
                    return port
        return None
