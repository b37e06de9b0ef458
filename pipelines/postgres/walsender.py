"""The gear of every day: changes as the server sends them, and how far we have them said back to it."""

import struct
import time

import psycopg
from psycopg import sql

from lake.failpoints import reached
from pipelines.postgres.api import Connection
from pipelines.postgres.frames import CopyStream, Frames
from pipelines.postgres.scanning import EPOCH

START = "START_REPLICATION SLOT {} LOGICAL 0/0 (proto_version '1', publication_names {})"
# XLogData: a letter, three numbers of eight bytes, the message. A keepalive: a letter, the position, the clock and
# whether it wants an answer.
HEADER, KEEPALIVE = 25, 18
STATUS = struct.Struct(">cQQQqB")
STATUS_SECONDS = 10.0


class Walsender:
    """A slot being streamed over a connection that was opened with ``replication``.

    ``caught_up`` is the position up to which the server had nothing for us when it last said so, 0 at first.
    """

    def __init__(self, connection: Connection, slot: str, publication: str, confirmed: int) -> None:
        command = sql.SQL(START).format(sql.Identifier(slot), sql.Literal(sql.Identifier(publication).as_string()))
        self.frames = Frames(HEADER)
        self.caught_up = 0
        self._confirmed = confirmed
        self._told = time.monotonic()
        self._stream = CopyStream(connection, command.as_bytes(connection))

    def receive(self, until: float, most: int) -> None:
        """Receive until the clock (monotonic) says ``until``, or until ``most`` bytes wait to be taken.

        Raises psycopg.OperationalError when the server ends the stream, as it does when it shuts down.
        """
        while True:
            while (keepalive := self._stream.read_into(self.frames, most, KEEPALIVE)) is not None:
                self._answer(keepalive)
            if self.frames.size >= most:
                return
            self.breathe()
            now = time.monotonic()
            if self._stream.ended:
                raise psycopg.OperationalError("the server ended the stream of changes")
            if now >= until:
                return
            self._stream.wait(min(until, self._told + STATUS_SECONDS) - now)

    def confirm(self, position: int) -> None:
        """Tell the server that everything before ``position`` (bytes) is durable here; never backwards."""
        if position > self._confirmed:
            reached("cdc.before_status_update")
            self._confirmed = position
            self._say()

    def breathe(self) -> None:
        """Keep the connection alive while nothing is received."""
        if time.monotonic() - self._told >= STATUS_SECONDS:
            self._say()

    def ask(self) -> None:
        """Ask the server how far it is; it answers with a keepalive."""
        self._say(ask=True)

    def stop(self) -> None:
        """End the stream; what was sent and not taken is sent again another time."""
        self._stream.finish()

    def _answer(self, data: memoryview) -> None:
        self.caught_up = int.from_bytes(data[1:9], "big")
        if data[17]:
            self._say()

    def _say(self, *, ask: bool = False) -> None:
        clock = time.time_ns() // 1000 - EPOCH
        position = self._confirmed
        self._stream.write(STATUS.pack(b"r", position, position, position, clock, ask))
        self._told = time.monotonic()
