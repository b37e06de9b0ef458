"""The engine: changes out of the slot into bronze in one of two gears, and the slot confirmed behind them."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from lake.failpoints import reached
from lake.settings import Settings
from pipelines.postgres.api import Connection, connect
from pipelines.postgres.changes import ChangeReader
from pipelines.postgres.flushing import Counted, Flusher, new_load_id
from pipelines.postgres.kinds import Kinds
from pipelines.postgres.landing import Bronze
from pipelines.postgres.peeking import backlog
from pipelines.postgres.shapes import Followed
from pipelines.postgres.slots import advance
from pipelines.postgres.walsender import Walsender

RUN_BYTES = 16 * 2**20


class Engine:
    """Follows tables from their marks on. Whatever fails, what was confirmed is durable, and nothing lands twice.

    While ``held`` is set the walsender is told of no progress, for a table that is being copied and will need the
    changes from here on.
    """

    def __init__(self, settings: Settings, flusher: Flusher, reader: ChangeReader) -> None:
        self.held = False
        self._settings, self._flusher, self._reader = settings, flusher, reader

    @property
    def counted(self) -> Counted:
        """What has landed so far."""
        return self._flusher.counted

    @property
    def durable(self) -> int:
        """The position (bytes) before which bronze has everything."""
        return self._flusher.durable

    def drain(self, connection: Connection, upto: int) -> None:
        """Land everything that committed before ``upto`` (bytes) through large peeks, and move the slot behind it.

        Raises SourceError or CommitError; what was landed by then stays, and is passed over when it is read again.
        """
        with backlog(self._settings, connection, upto, upto - self.durable) as waiting:
            while not waiting.done:
                for run in waiting.chunk():
                    self._flusher.feed(run)
                if waiting.done or not waiting.ahead:
                    self._flusher.flush()
                    self._flusher.settle()
                self._flusher.look()
                if waiting.done:
                    self._flusher.note(max(upto, self._reader.read_to))
                reached("cdc.before_status_update")
                advance(connection, self._settings.postgres_slot, self.durable)

    def stream(self, walsender: Walsender, until: Callable[[], bool]) -> None:
        """Land changes as they are sent until ``until`` says so; it is asked at least once a flush interval.

        Raises psycopg.Error when the server ends the stream, and CommitError; what was landed by then stays.
        """
        interval = self._settings.postgres_flush_interval
        flusher = self._flusher
        while not until():
            now = time.monotonic()
            since = [flusher.since] * flusher.waiting + [walsender.since] * walsender.waiting
            # A change is visible when its commit has landed, so the flush begins as much earlier as that takes.
            lead = min(flusher.landing_seconds, interval / 2)
            due = min([*since, now]) + interval - lead
            walsender.receive(due, RUN_BYTES)
            flusher.look()
            is_due = time.monotonic() >= due
            if walsender.size >= RUN_BYTES or (is_due and walsender.waiting):
                flusher.feed(walsender.take(), walsender.breathe)
            if is_due and not flusher.busy:
                flusher.flush(walsender.breathe)
                flusher.look()
                flusher.note(max(self._reader.read_to, walsender.caught_up))
            self._confirm(walsender)

    def finish(self, walsender: Walsender) -> None:
        """Land what was received, and confirm it."""
        if walsender.waiting:
            self._flusher.feed(walsender.take(), walsender.breathe)
        self._flusher.flush(walsender.breathe)
        self._flusher.settle(walsender.breathe)
        self._confirm(walsender)

    def _confirm(self, walsender: Walsender) -> None:
        if not self.held:
            walsender.confirm(self.durable)

    def reached(self, position: int, walsender: Walsender) -> bool:
        """Whether everything before ``position`` (bytes) was sent and has landed."""
        flusher = self._flusher
        at_rest = not (flusher.waiting or flusher.busy or walsender.waiting)
        return at_rest and max(self._reader.read_to, walsender.caught_up) >= position


@contextmanager
def engine(settings: Settings, bronze: Bronze, followed: Sequence[Followed], durable: int) -> Iterator[Engine]:
    """Make an engine for tables that have marks; ``durable`` is how far those marks say the slot was read."""
    with connect(settings) as asking:
        by_name = {(one.table.schema, one.table.name): one for one in followed}
        reader = ChangeReader(by_name, Kinds(asking), new_load_id())
        flusher = Flusher(settings, bronze, followed, reader, durable)
        try:
            yield Engine(settings, flusher, reader)
        finally:
            flusher.close()
