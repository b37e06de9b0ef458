"""What every bus can do, whatever carries it."""

from typing import Protocol

from lake.bus.events import Entry, Event


class Reader(Protocol):
    """Reads one partition of a bus from a position on; positions are opaque text."""

    @property
    def position(self) -> str:
        """Give the position after the last entry that was read; empty before the first."""

    def read(self, most: int) -> list[Entry]:
        """Read up to ``most`` entries that are there now, without waiting.

        Raises GapError when unread entries are gone and ServiceError when the bus doesn't answer.
        """

    def close(self) -> None:
        """Let go of the bus."""


class Bus(Protocol):
    """Carries events from the webhooks to their readers."""

    name: str

    async def publish(self, event: Event) -> bool:
        """Put an event on the bus durably, unless its delivery id is there already; say whether it was new.

        Raises ServiceError when the bus didn't take it, and then the same event may be published again.
        """

    def partitions(self) -> list[str]:
        """List the partitions that have to be read. Raises ServiceError."""

    def reader(self, partition: str, position: str = "") -> Reader:
        """Read a partition after ``position``, from its first entry when that is empty."""

    async def close(self) -> None:
        """Let go of the bus."""
