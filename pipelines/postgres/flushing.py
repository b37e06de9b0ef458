"""From messages to durable rows: a thread decodes one run, another lands one flush, while more is received."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from lake.failpoints import reached
from lake.settings import Settings
from pipelines.postgres.changes import ChangeReader, Gathered
from pipelines.postgres.claims import Claim, Cursor
from pipelines.postgres.frames import Run
from pipelines.postgres.landing import Bronze, marked
from pipelines.postgres.shapes import Followed, Misfit

FLUSH_BYTES = 96 * 2**20
HELD_BYTES = 16 * 2**20
"""Bytes of log without a row for us after which a mark says how far we read, so that the server can let go of them."""
HEARTBEAT_SECONDS = 1.0
Done = TypeVar("Done")


@dataclass
class Counted:
    """What landed: rows by bronze table, and the tables that stopped with the reason."""

    rows: dict[str, int] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)


class Flusher:
    """Gathers changes and lands them, rows and marks together, table by table.

    ``durable`` is the position (bytes) before which bronze has everything, and a mark that says so: the slot may be
    confirmed up to there and no further.
    """

    def __init__(
        self, settings: Settings, bronze: Bronze, followed: Sequence[Followed], reader: ChangeReader, durable: int
    ) -> None:
        self.durable = durable
        self.counted = Counted()
        self.landing_seconds = 0.0
        self.since = 0.0
        self._slot, self._most = settings.postgres_slot, settings.postgres_flush_rows
        self._bronze, self._followed, self._reader = bronze, followed, reader
        self._marks = {one.table.bronze: one.mark for one in followed}
        self._told = {one.table.bronze for one in followed if one.is_told}
        self._decoder, self._lander = ThreadPoolExecutor(1, "decoding"), ThreadPoolExecutor(1, "landing")
        self._decoding: Future[None] | None = None
        self._landing: Future[int] | None = None

    def close(self) -> None:
        """Wait for the threads, whatever becomes of what they do."""
        for thread in (self._decoder, self._lander):
            thread.shutdown(wait=True, cancel_futures=True)

    @property
    def waiting(self) -> bool:
        """Whether there are messages or rows that aren't on their way yet."""
        return self._decoding is not None or self._reader.pending_rows > 0

    @property
    def busy(self) -> bool:
        """Whether a flush is on its way."""
        return self._landing is not None and not self._landing.done()

    @property
    def full(self) -> bool:
        """Whether as many rows or bytes wait as may."""
        return self._reader.pending_rows >= self._most or self._reader.pending_bytes >= FLUSH_BYTES

    def feed(self, run: Run, heartbeat: Callable[[], None] = lambda: None) -> None:
        """Have messages decoded, after those before; flush when enough of them wait; ``heartbeat`` is called meanwhile.

        Raises what decoding those before, or landing, raised: MessageError or CommitError.
        """
        self.decode(heartbeat)
        if self.full:
            self.flush(heartbeat)
        if not self.waiting:
            self.since = time.monotonic()
        self._decoding = self._decoder.submit(self._reader.feed, run)

    def decode(self, heartbeat: Callable[[], None] = lambda: None) -> None:
        """Wait until all that was fed is decoded. Raises MessageError."""
        if self._decoding is not None:
            decoding, self._decoding = self._decoding, None
            _wait(decoding, heartbeat)

    def flush(self, heartbeat: Callable[[], None] = lambda: None) -> None:
        """Send what waits on its way, after what is on its way has landed; ``heartbeat`` is called meanwhile."""
        self.decode(heartbeat)
        gathered = self._reader.take()
        stopped = [one for one in self._followed if one.stopped and one.table.bronze not in self._told]
        if not gathered and not stopped:
            return
        self.settle(heartbeat)
        position, load_id = max(self._reader.read_to, self.durable), self._reader.load_id
        self._reader.load_id = new_load_id()
        self._landing = self._lander.submit(self._land, gathered, stopped, position, load_id)

    def settle(self, heartbeat: Callable[[], None] = lambda: None) -> None:
        """Wait until what is on its way has landed. Raises CommitError and whatever else landing it raised."""
        if self._landing is not None:
            landing, self._landing = self._landing, None
            self.durable = _wait(landing, heartbeat)
            reached("cdc.after_state_before_ack")

    def look(self) -> None:
        """Settle if that takes no waiting."""
        if self._landing is not None and not self.busy:
            self.settle()

    def note(self, position: int) -> None:
        """Say in a mark that there was nothing up to ``position`` (bytes), if that is far and nothing waits."""
        if self.waiting or self._landing is not None or position - self.durable <= HELD_BYTES:
            return
        # Where all have stopped, one of them says it: nobody waits for what the server holds.
        first = min(self._followed, key=lambda one: bool(one.stopped))
        self._mark(first, new_load_id(), position, f"no rows in the slot up to position {position}")
        self.durable = position

    def _land(self, gathered: Sequence[Gathered], stopped: Sequence[Followed], position: int, load_id: str) -> int:
        began = time.monotonic()
        for place, found in enumerate(gathered):
            if place:
                reached("cdc.during_commit")
            self._land_table(found, position, load_id)
        for followed in stopped:
            self._stop(followed, position, load_id)
        reached("cdc.after_commit_before_state")
        self.landing_seconds = time.monotonic() - began
        return position

    def _land_table(self, found: Gathered, position: int, load_id: str) -> None:
        table = found.followed.table
        if table.bronze in self._told:
            return
        claim = Claim(table.key, f"rows decoded from the slot up to position {found.last[0]}")
        claim.add(found.rows)
        cursor = self._cursor(found.followed, found.last, position)
        try:
            self._bronze.land(table.bronze, found.rows.schema, [found.rows], claim.mark(load_id, cursor))
        except Misfit as error:
            found.followed.stopped = str(error)
            self._stop(found.followed, position, load_id)
            return
        self._marks[table.bronze] = found.last
        self.counted.rows[table.bronze] = self.counted.rows.get(table.bronze, 0) + found.rows.num_rows

    def _stop(self, followed: Followed, position: int, load_id: str) -> None:
        self._told.add(followed.table.bronze)
        self.counted.stopped[str(followed.table)] = followed.stopped
        self._mark(followed, f"{load_id}-stopped", position, f"not followed after position {position}")

    def _cursor(self, followed: Followed, last: tuple[int, int], position: int) -> Cursor:
        anew, layout = bool(followed.anew), dict(followed.layout)
        told = followed.table.key, dict(followed.definition)
        return Cursor(self._slot, *last, position, followed.stopped, anew, layout, *told)

    def _mark(self, followed: Followed, load_id: str, position: int, said_by: str) -> None:
        table = followed.table.bronze
        cursor = self._cursor(followed, self._marks[table], position)
        marked(self._bronze, table, Claim((), said_by).mark(load_id, cursor))


def _wait(future: Future[Done], heartbeat: Callable[[], None]) -> Done:
    while not wait([future], HEARTBEAT_SECONDS).done:
        heartbeat()
    return future.result()


def new_load_id() -> str:
    """Name the next load."""
    return f"postgres-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
