"""The gear of every day: changes as the server sends them, and how far we have them said back to it."""

import struct
import time

from psycopg import sql

from lake.failpoints import reached
from pipelines.postgres.api import Connection
from pipelines.postgres.frames import CopyStream, Run
from pipelines.postgres.scanning import EPOCH
from pipelines.postgres.sendings import SocketStream

START = "START_REPLICATION SLOT {} LOGICAL 0/0 (proto_version '1', publication_names {})"
STATUS = struct.Struct(">cQQQqB")
STATUS_SECONDS = 10.0


class Walsender:
    """A slot being streamed over a connection that was opened with ``replication``.

    ``caught_up`` is the position up to which the server had nothing for us when it last said so, 0 at first.
    """

    def __init__(self, connection: Connection, slot: str, publication: str, confirmed: int) -> None:
        command = sql.SQL(START).format(sql.Identifier(slot), sql.Literal(sql.Identifier(publication).as_string()))
        self.caught_up = 0
        self._confirmed = confirmed
        self._told = time.monotonic()
        encrypted = connection.pgconn.ssl_in_use or connection.pgconn.used_gssapi
        kind: type[CopyStream | SocketStream] = CopyStream if encrypted else SocketStream
        self._stream = kind(connection, command.as_bytes(connection))

    def receive(self, until: float, most: int) -> None:
        """Receive until the clock (monotonic) says ``until``, or until ``most`` bytes wait to be taken.

        Raises psycopg.OperationalError when the server ends the stream, as it does when it shuts down.
        """
        while True:
            while (keepalive := self._stream.read(most)) is not None:
                self._answer(keepalive)
            self.breathe()
            now = time.monotonic()
            if now >= until or self._stream.size >= most:
                return
            self._stream.wait(min(until, self._told + STATUS_SECONDS) - now)

    @property
    def waiting(self) -> bool:
        """Whether something was received that isn't taken yet."""
        return self._stream.waiting

    @property
    def size(self) -> int:
        """How many bytes wait."""
        return self._stream.size

    @property
    def since(self) -> float:
        """When (monotonic) the first of what waits was received."""
        return self._stream.since

    def take(self) -> Run:
        """Take what was received."""
        return self._stream.take()

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
        """Let go of the stream; what was sent and not taken is sent again another time."""
        self._stream.finish()

    def _answer(self, data: bytes) -> None:
        self.caught_up = int.from_bytes(data[1:9], "big")
        if data[17]:
            self._say()

    def _say(self, *, ask: bool = False) -> None:
        clock = time.time_ns() // 1000 - EPOCH
        position = self._confirmed
        self._stream.write(STATUS.pack(b"r", position, position, position, clock, ask))
        self._told = time.monotonic()
