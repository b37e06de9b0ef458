"""The file that keeps the sales through a restart: a line an order, a line for what became of it."""

from collections.abc import Sequence
from pathlib import Path

import orjson

from lake.errors import ServiceError


class Journal:
    """JSON lines that are only ever added to; a line that a crash cut short is dropped."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[list[int]]:
        """Read every entry.

        Raises ServiceError if the file can't be understood.
        """
        if not self.path.exists():
            return []
        data = self.path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            self.path.write_bytes(whole)
        try:
            return [orjson.loads(line) for line in whole.splitlines()]
        except orjson.JSONDecodeError:
            raise ServiceError(f"The sandbox shop's sales in {self.path} are damaged; remove that file.") from None

    def write(self, entries: Sequence[Sequence[int]]) -> None:
        """Add entries.

        Raises ServiceError if they can't be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                file.write(b"".join(orjson.dumps(list(entry)) + b"\n" for entry in entries))
        except OSError as error:
            raise ServiceError(f"The sandbox shop's sales can't be kept in {self.path}: {error.strerror}.") from None
