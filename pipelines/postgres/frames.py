"""Runs of replication messages, and how they come through libpq, one object a message."""

import select
import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from pipelines.postgres.api import Connection

# The server sends each change on its own. Waking up for each would cost more than reading them.
WAKE_BYTES, WAKE_SECONDS = 64 * 2**10, 0.02
# XLogData: a letter, three numbers of eight bytes, the message. A keepalive: a letter, the position, the clock and
# whether it wants an answer.
HEADER, KEEPALIVE = 25, 18

Offsets = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Run:
    """Replication messages one after the other: the bytes, and where each message begins and ends in them."""

    data: bytes
    starts: Offsets
    ends: Offsets

    def __len__(self) -> int:
        return len(self.starts)

    def message(self, place: int) -> bytes:
        """Give the bytes of one message."""
        return self.data[self.starts[place] : self.ends[place]]

    @classmethod
    def of(cls, parts: Iterable[bytes | memoryview], header: int = 0) -> "Run":
        """Join messages that each come after ``header`` bytes of something else."""
        listed = list(parts)
        sizes = np.fromiter(map(len, listed), np.int64, len(listed))
        ends = np.cumsum(sizes)
        return cls(b"".join(listed), ends - sizes + header, ends)


class CopyStream:
    """A COPY in both directions through libpq; ``size`` bytes wait to be taken, the first of them came at ``since``.

    Raises psycopg's errors, with the server's own words.
    """

    def __init__(self, connection: Connection, command: bytes) -> None:
        self.size, self.since = 0, 0.0
        self._parts: list[memoryview] = []
        self._pg: PGconn = connection.pgconn
        self._poll = select.poll()
        self._poll.register(self._pg.socket, select.POLLIN)
        self._pg.send_query(command)
        self._flush()
        result = self._result()
        if result is None or result.status != ExecStatus.COPY_BOTH:
            raise self._failure(result)

    @property
    def waiting(self) -> bool:
        """Whether there are messages to be taken."""
        return bool(self._parts)

    def take(self) -> Run:
        """Give all messages that wait as one run and forget them."""
        run = Run.of(self._parts, HEADER)
        self._parts, self.size = [], 0
        return run

    def read(self, most: int) -> bytes | None:
        """Take in what is here already until ``most`` bytes wait; give a keepalive as soon as one comes, else None.

        Raises psycopg.Error when the server fails or ends the stream.
        """
        # This runs once a message: everything is looked up before.
        get, append, size = self._pg.get_copy_data, self._parts.append, self.size
        if not self._parts:
            self.since = time.monotonic()
        keepalive = None
        while size < most:
            length, data = get(1)
            if length <= 0:
                if length == -1:
                    raise self._failure(self._result())
                break
            if length == KEEPALIVE:
                keepalive = bytes(data)
                break
            append(data)
            size += length
        self.size = size
        return keepalive

    def wait(self, seconds: float) -> None:
        """Wait for more, at most so long, and take it in."""
        if self._poll.poll(max(0.0, seconds) * 1000):
            self._pg.consume_input()

    def write(self, data: bytes) -> None:
        """Send one message to the server."""
        while self._pg.put_copy_data(data) == 0:
            self._flush()
        self._flush()

    def finish(self) -> None:
        """Let go of the stream and the connection."""
        self._pg.finish()

    def _result(self) -> PGresult | None:
        while self._pg.is_busy():
            self._poll.poll(60_000)
            self._pg.consume_input()
        return self._pg.get_result()

    def _flush(self) -> None:
        while self._pg.flush():
            select.select([self._pg.socket], [self._pg.socket], [], 60.0)
            self._pg.consume_input()

    def _failure(self, result: PGresult | None) -> psycopg.Error:
        if result is None or not result.error_message:
            return psycopg.OperationalError("the server ended the stream of changes")
        return error_from_result(result)
