"""Replication messages from the socket itself: libpq hands out one object a message, which costs more than decoding it.

The command is sent between two commands of psycopg's, when libpq is idle and has read everything the server sent; the
connection is good for nothing else afterwards. An encrypted one is read through libpq (``frames``).
"""

import os
import select
import socket
import struct
import time

import numpy as np
import psycopg

from pipelines.postgres.api import Connection
from pipelines.postgres.compiling import compiled
from pipelines.postgres.frames import WAKE_BYTES, WAKE_SECONDS, Run
from pipelines.postgres.wire import failure

ROOM_BYTES = 18 * 2**20
LEAST_MESSAGE = 31
COPY_DATA, COPY_DONE, FAILED, ENDED = ord("d"), ord("c"), ord("E"), ord("Z")


class SocketStream:
    """A COPY in both directions; ``size`` bytes of whole messages wait to be taken, the first came at ``since``."""

    def __init__(self, connection: Connection, command: bytes) -> None:
        self.since = 0.0
        self._loops = compiled()
        self._wire = socket.socket(fileno=os.dup(connection.pgconn.socket))
        self._wire.setblocking(False)
        self._poll = select.poll()
        self._poll.register(self._wire, select.POLLIN)
        self._filled = 0
        self._room = bytearray()
        self._make_room(ROOM_BYTES)
        self._send(b"Q", command + b"\0")
        self._wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, WAKE_BYTES)

    def _make_room(self, size: int) -> None:
        kept = bytes(self._room[: self._filled]) if self._filled else b""
        self._room = bytearray(size)
        self._room[: len(kept)] = kept
        self._out = memoryview(self._room)
        self._view = self._loops.view(self._out)
        self._starts = np.empty(size // LEAST_MESSAGE + 1, np.int64)
        self._ends = np.empty(size // LEAST_MESSAGE + 1, np.int64)
        self.size = self._count = 0

    @property
    def waiting(self) -> bool:
        """Whether there are messages to be taken."""
        return self._count > 0

    def take(self) -> Run:
        """Give all messages that wait as one run and forget them."""
        run = Run(bytes(self._out[: self.size]), self._starts[: self._count].copy(), self._ends[: self._count].copy())
        rest = bytes(self._out[self.size : self._filled])
        self._out[: len(rest)] = rest
        self._filled, self.size, self._count = len(rest), 0, 0
        return run

    def read(self, most: int) -> bytes | None:
        """Take in what is here already until ``most`` bytes wait; give a keepalive as soon as one comes, else None.

        Raises psycopg.Error when the server fails or ends the stream.
        """
        while self.size < most:
            had = self._count
            self.size, self._count, other = self._loops.frame(
                self._view, self.size, self._filled, self._starts, self._ends, self._count
            )
            if self._count and not had:
                self.since = time.monotonic()
            if other:
                if (keepalive := self._heard()) is not None:
                    return keepalive
            elif not self._received():
                return None
        return None

    def wait(self, seconds: float) -> None:
        """Wait for more, at most so long."""
        self._poll.poll(max(0.0, min(seconds, WAKE_SECONDS)) * 1000)

    def write(self, data: bytes) -> None:
        """Send one message to the server."""
        self._send(b"d", data)

    def finish(self) -> None:
        """Let go of the stream; the server notices when the connection is closed."""
        self._wire.close()

    def _received(self) -> bool:
        if self._filled == len(self._room):
            if self._count:
                return False
            # One message that is larger than all of it.
            self._make_room(2 * len(self._room))
        try:
            got = self._wire.recv_into(self._out[self._filled :])
        except BlockingIOError:
            return False
        except OSError as error:
            raise psycopg.OperationalError(f"the connection broke: {error}") from error
        if not got:
            raise psycopg.OperationalError("the server closed the connection unexpectedly")
        self._filled += got
        return True

    def _heard(self) -> bytes | None:
        """Step over a message that is no XLogData; give it if it is a keepalive."""
        kind, at = self._room[self.size], self.size
        after = at + 1 + int.from_bytes(self._out[at + 1 : at + 5], "big")
        body = bytes(self._out[at + 5 : after])
        self.size = after
        if kind == FAILED:
            raise failure(body)
        if kind in (COPY_DONE, ENDED):
            raise psycopg.OperationalError("the server ended the stream of changes")
        return body if kind == COPY_DATA else None

    def _send(self, kind: bytes, body: bytes) -> None:
        message = kind + struct.pack(">i", len(body) + 4) + body
        while message:
            select.select([], [self._wire], [], 60.0)
            try:
                message = message[self._wire.send(message) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise psycopg.OperationalError(f"the connection broke: {error}") from error
