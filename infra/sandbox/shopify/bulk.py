"""Bulk operations: one at a time, in the background, into a file that is then downloaded."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Pieces = Iterator[tuple[int, int, bytes]]

PARTIAL = "partial-"
"""What the name of a file with partial data begins with."""
_ROOT = re.compile(r"\{\s*(\w+)")
_GID = "gid://shopify/BulkOperation/"
_FIRST = 720_918_000_000


@dataclass
class Operation:
    """One bulk operation and how far it is; ``host`` is where its file can be fetched from."""

    number: int
    query: str
    path: Path
    host: str
    status: str = "CREATED"
    error_code: str | None = None
    objects: int = 0
    roots: int = 0
    size: int | None = None
    clock: Callable[[], float] = time.time
    created_at: str = field(init=False)
    completed_at: str | None = None

    def __post_init__(self) -> None:
        self.created_at = self.now()

    def now(self) -> str:
        """Give the shop's time."""
        return datetime.fromtimestamp(self.clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    @property
    def gid(self) -> str:
        """The operation's global id."""
        return f"{_GID}{self.number}"

    @property
    def running(self) -> bool:
        """Whether it hasn't ended."""
        return self.status in ("CREATED", "RUNNING", "CANCELING")

    def node(self) -> dict[str, Any]:
        """Describe it as Shopify's BulkOperation; an empty result has no url."""
        done = self.status == "COMPLETED" and self.objects > 0
        return {
            "id": self.gid,
            "type": "QUERY",
            "status": self.status,
            "errorCode": self.error_code,
            "query": self.query,
            "createdAt": self.created_at,
            "completedAt": self.completed_at,
            "objectCount": str(self.objects),
            "rootObjectCount": str(self.roots),
            "fileSize": str(self.size) if done else None,
            "url": f"http://{self.host}/bulk/{self.path.name}" if done else None,
            "partialDataUrl": None,
        }


class BulkOperations:
    """The bulk operations of the shop's one app; their files are kept under ``folder``."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._known: list[Operation] = []

    @property
    def current(self) -> Operation | None:
        """The latest operation."""
        return self._known[-1] if self._known else None

    def find(self, gid: str) -> Operation | None:
        """Find an operation by its global id."""
        return next((operation for operation in self._known if operation.gid == gid), None)

    def start(self, query: str, host: str, pieces: Pieces) -> Operation | None:
        """Start to write the pieces to a file; nothing if another operation hasn't ended."""
        with self._lock:
            if self.current and self.current.running:
                return None
            number = _FIRST + len(self._known) + 1
            operation = Operation(number, query, self.folder / f"bulk-{number}.jsonl", host, clock=self._clock)
            self._known.append(operation)
        threading.Thread(target=_write, args=(operation, pieces), name="bulk", daemon=True).start()
        return operation

    def about(self, number: str) -> str:
        """Name the object that the operation with this number, or the latest, reads; empty if there is none."""
        found = self.find(_GID + number) if number else self.current
        root = _ROOT.search(found.query) if found else None
        return root[1] if root else ""

    def cancel(self, gid: str) -> Operation | None:
        """Ask an operation to stop; it does at its next piece."""
        operation = self.find(gid)
        if operation and operation.status in ("CREATED", "RUNNING"):
            operation.status = "CANCELING"
        return operation

    def file(self, name: str) -> Path | None:
        """Find a finished operation's file by its name; partial data is the first half of its lines."""
        found = (operation.path for operation in self._known if operation.status == "COMPLETED")
        path = next((path for path in found if path.name == name.removeprefix(PARTIAL)), None)
        if path is None or path.name == name:
            return path
        lines = path.read_bytes().splitlines(keepends=True)
        path.with_name(name).write_bytes(b"".join(lines[: len(lines) // 2]))
        return path.with_name(name)


def _write(operation: Operation, pieces: Pieces) -> None:
    if operation.status == "CREATED":
        operation.status = "RUNNING"
    try:
        operation.path.parent.mkdir(parents=True, exist_ok=True)
        with operation.path.open("wb") as file:
            for objects, roots, lines in pieces:
                if operation.status == "CANCELING":
                    operation.status = "CANCELED"
                    break
                file.write(lines)
                operation.objects += objects
                operation.roots += roots
        operation.size = operation.path.stat().st_size
        operation.completed_at = operation.now()
        operation.status = "COMPLETED" if operation.status == "RUNNING" else "CANCELED"
    except Exception:
        operation.error_code, operation.status = "INTERNAL_SERVER_ERROR", "FAILED"
        raise
