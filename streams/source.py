"""The bus as Bytewax reads it: batches of statements, the watermark, and what couldn't be read."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import structlog
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from lake.bus import Bus, Entry, Event, GapError, Reader
from lake.errors import DocumentError, ServiceError
from lake.live.windows import FlowState
from streams.folds import Progress, Said
from streams.statements import statement_of

MOST_AT_ONCE = 500
IDLE = timedelta(milliseconds=20)
AWAY = timedelta(seconds=1)
TELL = timedelta(milliseconds=250)
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

log = structlog.get_logger("streams")


class DeadLetter(NamedTuple):
    """An event that can't be read, where it was on the bus, and why."""

    place: str
    event: Event
    reason: str


class Batch(NamedTuple):
    """What one read of the bus gave."""

    said: list[Said]
    dead: list[DeadLetter]
    progress: Progress | None


class Position(NamedTuple):
    """Where a partition's reader is: what a restart goes on from."""

    position: str
    watermark: datetime
    events: int


class BusSource(FixedPartitionedSource[Batch, Position]):
    """Every partition of the bus, each read from the position in the recovery store."""

    def __init__(self, bus: Bus, lateness: float) -> None:
        self._bus, self._lateness = bus, timedelta(seconds=lateness)

    def list_parts(self) -> list[str]:
        """List the partitions."""
        return self._bus.partitions()

    def build_part(self, step_id: str, for_part: str, resume_state: Position | None) -> "BusPartition":
        """Open a partition where it was left, or at its beginning."""
        start = resume_state or Position("", BEGINNING, 0)
        return BusPartition(for_part, self._bus.reader(for_part, start.position), start, self._lateness)


class BusPartition(StatefulSourcePartition[Batch, Position]):
    """One partition.

    The watermark is the newest event's time less the lateness; when everything has been read the clock moves it
    on, since what is to come can't be older than now by more than that. An event from the future doesn't move
    it: no event counts as newer than its receipt.
    """

    def __init__(self, partition: str, reader: Reader, start: Position, lateness: timedelta) -> None:
        self._partition, self._reader, self._lateness = partition, reader, lateness
        self._watermark, self._events = start.watermark, start.events
        self._awake: datetime | None = None
        self._told = BEGINNING
        self._away = False

    def next_batch(self) -> list[Batch]:
        """Read what is there."""
        now = datetime.now(UTC)
        try:
            entries = self._reader.read(MOST_AT_ONCE)
        except GapError:
            raise
        except ServiceError as error:
            if not self._away:
                log.warning("the bus is away, the flow waits", reason=str(error))
            self._away, self._awake = True, now + AWAY
            return []
        self._away, self._awake = False, None if entries else now + IDLE
        return [self._batch(entries, now)] if entries else self._idle(now)

    def next_awake(self) -> datetime | None:
        """Give the time of the next read; at once while there is more."""
        return self._awake

    def snapshot(self) -> Position:
        """Give the position after what was read."""
        return Position(self._reader.position, self._watermark, self._events)

    def close(self) -> None:
        """Let go of the bus."""
        self._reader.close()

    def _batch(self, entries: list[Entry], now: datetime) -> Batch:
        said: list[Said] = []
        dead: list[DeadLetter] = []
        for entry in entries:
            try:
                statement = statement_of(entry.event)
            except DocumentError as error:
                dead.append(DeadLetter(f"{self._partition} {entry.position}", entry.event, str(error)))
                continue
            if statement is not None:
                said.append(Said(statement, self._watermark))
                newest = min(statement.happened_at, entry.event.received_at) - self._lateness
                self._watermark = max(self._watermark, newest)
        self._events += len(entries)
        waited = (now - entries[-1].event.received_at).total_seconds()
        return Batch(said, dead, self._progress(now, max(waited, 0.0)))

    def _idle(self, now: datetime) -> list[Batch]:
        self._watermark = max(self._watermark, now - self._lateness)
        return [Batch([], [], self._progress(now, 0.0))] if now - self._told >= TELL else []

    def _progress(self, now: datetime, lag: float) -> Progress:
        self._told = now
        return Progress(self._partition, FlowState(self._watermark, now, round(lag, 3), self._events))
