"""What a benchmark found, whatever it measures: as a table for people, in a line, and as JSON for programs."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table


class Figures(ABC):
    """The figures of one benchmark; ``more`` are those of other situations."""

    name: str
    more: Sequence["Figures"] = ()

    @property
    @abstractmethod
    def told(self) -> str:
        """Say it in a line."""

    @abstractmethod
    def table(self) -> Table:
        """Give it as a person reads it."""

    @abstractmethod
    def as_json(self) -> str:
        """Write it down."""

    @property
    def file_name(self) -> str:
        """Name the file that keeps it."""
        return f"{self.name}.json"

    def write(self, folder: Path) -> Path:
        """Keep it as JSON in a folder, and give the file."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / self.file_name
        file.write_text(self.as_json() + "\n", encoding="utf-8")
        return file
