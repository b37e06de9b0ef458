"""CopyData messages straight from libpq, joined into runs: one object a message is all that Python makes of them."""

import os
import select
import socket
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from pipelines.postgres.api import Connection

# The server sends each change on its own. Waking up for each would cost more than reading them.
WAKE_BYTES, WAKE_SECONDS = 64 * 2**10, 0.02

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


@dataclass
class Frames:
    """What has been received and isn't taken yet; ``size`` counts bytes, ``since`` is when the oldest came."""

    header: int
    parts: list[bytes | memoryview] = field(default_factory=list)
    size: int = 0
    since: float = 0.0

    def take(self) -> Run:
        """Give all of them as one run and forget them."""
        run = Run.of(self.parts, self.header)
        self.parts, self.size = [], 0
        return run


class CopyStream:
    """A COPY under way on a connection that is used for nothing else until it has ended.

    Raises psycopg's errors, with the server's own words.
    """

    def __init__(self, connection: Connection, command: bytes) -> None:
        self.ended = False
        self._pg: PGconn = connection.pgconn
        self._poll = select.poll()
        self._poll.register(self._pg.socket, select.POLLIN)
        self._coalesced = False
        self._pg.send_query(command)
        self._flush()
        result = self._result()
        if result is None or result.status not in (ExecStatus.COPY_OUT, ExecStatus.COPY_BOTH):
            raise self._failure(result)
        if not (self._pg.ssl_in_use or self._pg.used_gssapi):
            self._coalesce(WAKE_BYTES)

    def read_into(self, frames: Frames, most: int, apart: int = 0) -> memoryview | None:
        """Move messages that are here already into ``frames``, until it has ``most`` bytes.

        One of just ``apart`` bytes is given back instead, and ends the reading. Otherwise None: check ``ended`` then;
        ``wait`` waits for more.
        """
        # This runs once a message: everything is looked up before.
        get, append, size = self._pg.get_copy_data, frames.parts.append, frames.size
        if not frames.parts:
            frames.since = time.monotonic()
        found = None
        while size < most:
            length, data = get(1)
            if length <= 0:
                if length == -1:
                    self._end()
                break
            if length == apart:
                found = data
                break
            append(data)
            size += length
        frames.size = size
        return found

    def wait(self, seconds: float) -> None:
        """Wait for more, at most so long, and take it in."""
        seconds = min(seconds, WAKE_SECONDS) if self._coalesced else seconds
        if self._poll.poll(max(0.0, seconds) * 1000) or self._coalesced:
            self._pg.consume_input()

    def write(self, data: bytes) -> None:
        """Send one message to the server."""
        while self._pg.put_copy_data(data) == 0:
            self._flush()
        self._flush()

    def finish(self) -> None:
        """Say that no more is sent, and read what the server still sends."""
        self._pg.put_copy_end()
        self._flush()
        rest = Frames(0)
        while not self.ended:
            self.read_into(rest, 1)
            rest.take()
            if not self.ended:
                self.wait(0.1)

    def _coalesce(self, least: int) -> None:
        with closing(socket.socket(fileno=os.dup(self._pg.socket))) as wire:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, least)
        self._coalesced = least > 1

    def _end(self) -> None:
        self.ended = True
        if self._coalesced:
            # Whoever uses the connection next waits for less.
            self._coalesce(1)
        while (result := self._result()) is not None:
            if result.status in (ExecStatus.FATAL_ERROR, ExecStatus.NONFATAL_ERROR, ExecStatus.BAD_RESPONSE):
                raise self._failure(result)
            if result.status == ExecStatus.COPY_IN:
                self._pg.put_copy_end()

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
            return psycopg.OperationalError("the server closed the connection unexpectedly")
        return error_from_result(result)
