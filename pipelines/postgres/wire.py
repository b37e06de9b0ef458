"""The bytes of COPY TO STDOUT, taken from the connection in large pieces.

psycopg hands out one object a row, which costs many times what decoding the row does. Unless the connection is
encrypted, its socket is read here directly, between two commands of psycopg's: libpq is idle then and has read
everything that the server sent before.
"""

import os
import select
import socket
import struct
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import psycopg
from psycopg import errors

from pipelines.postgres.api import Connection
from pipelines.postgres.binary import ROW_BYTES
from pipelines.postgres.compiling import loops

PIECE_BYTES = 16 * 2**20
# The server sends 8 KiB at a time; waking up for each would cost more than reading them.
WAKE_BYTES, WAKE_MILLISECONDS = 64 * 2**10, 20
SILENT = b"HcNSA"  # CopyOutResponse, CopyDone, notices, parameters, notifications


class Copy:
    """One COPY TO STDOUT; ``rows`` is the server's own count, once every piece was taken."""

    def __init__(self, connection: Connection, query: str) -> None:
        self.rows = 0
        self._connection, self._query = connection, query

    def pieces(self) -> Iterator[bytes | memoryview]:
        """Give what was copied, in pieces of about PIECE_BYTES that end anywhere. Raises psycopg's errors."""
        server = self._connection.pgconn
        return self._through_psycopg() if server.ssl_in_use or server.used_gssapi else self._through_socket()

    def _through_psycopg(self) -> Iterator[bytes]:
        parts: list[bytes] = []
        size = 0
        with self._connection.cursor() as cursor:
            with cursor.copy(self._query.encode()) as copy:
                for part in copy:
                    parts.append(bytes(part))
                    size += len(part)
                    if size >= PIECE_BYTES:
                        yield b"".join(parts)
                        parts, size = [], 0
            self.rows = cursor.rowcount
        yield b"".join(parts)

    def _through_socket(self) -> Iterator[memoryview]:
        whole = False
        try:
            with closing(socket.socket(fileno=os.dup(self._connection.pgconn.socket))) as wire:
                wire.setblocking(False)
                _send(wire, self._query.encode())
                try:
                    yield from self._received(wire)
                    whole = True
                finally:
                    # libpq waits on this socket too, and for less.
                    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        except OSError as error:
            raise psycopg.OperationalError(f"the connection broke: {error}") from error
        finally:
            if not whole:
                # What the server still sends would be taken for the answer to another command.
                self._connection.pgconn.finish()

    def _received(self, wire: socket.socket) -> Iterator[memoryview]:
        room = bytearray(PIECE_BYTES)
        filled, ended = 0, False
        poll = select.poll()
        poll.register(wire, select.POLLIN)
        while not ended:
            if filled == len(room):
                room.extend(bytes(len(room)))
            got = _take(wire, poll, memoryview(room)[filled:])
            filled += got
            if got and filled < PIECE_BYTES and not _may_end(room, filled):
                if filled > WAKE_BYTES:
                    wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, WAKE_BYTES)
                continue
            # Room that nobody has to fill with zeros first.
            out = np.empty(filled, np.uint8).data
            at = size = 0
            chosen = loops(filled // ROW_BYTES)
            while not ended:
                view = chosen.view(memoryview(room)[at:filled])
                passed, copied = chosen.unframe(view, filled - at, chosen.view(out)[size:])
                at, size = at + passed, size + copied
                if (after := _message_end(room, at, filled)) is None:
                    break
                ended = self._heard(bytes(room[at : at + 1]), bytes(room[at + 5 : after]))
                at = after
            room[: filled - at] = room[at:filled]
            filled -= at
            if size:
                yield out[:size]

    def _heard(self, kind: bytes, body: bytes) -> bool:
        """Take in a message that isn't data; tell whether the command has ended."""
        if kind == b"E":
            raise failure(body)
        if kind == b"C":
            self.rows = int(body.rstrip(b"\0").split()[-1])
        elif kind not in SILENT and kind != b"Z":
            raise psycopg.OperationalError(f"the server sent an unexpected message of kind {kind!r}")
        return kind == b"Z"


def failure(body: bytes) -> psycopg.Error:
    """Make the error that the server's message of kind E tells of."""
    said = {field[:1]: field[1:].decode(errors="replace") for field in body.split(b"\0") if field}
    return errors.lookup(said.get(b"C", "XX000"))(said.get(b"M", "the server failed"))


def _send(wire: socket.socket, query: bytes) -> None:
    message = b"Q" + struct.pack(">i", len(query) + 5) + query + b"\0"
    while message:
        select.select([], [wire], [])
        message = message[wire.send(message) :]


def _take(wire: socket.socket, poll: select.poll, room: memoryview) -> int:
    poll.poll(WAKE_MILLISECONDS)
    try:
        got = wire.recv_into(room)
    except BlockingIOError:
        return 0
    if not got:
        raise psycopg.OperationalError("the server closed the connection unexpectedly")
    return got


def _may_end(room: bytearray, filled: int) -> bool:
    """Whether the last bytes look like the message ReadyForQuery, which ends every answer, or an error's."""
    return filled >= 6 and room[filled - 6 : filled - 1] == b"Z\0\0\0\5"


def _message_end(room: bytearray, at: int, filled: int) -> int | None:
    if at + 5 > filled:
        return None
    after = at + 1 + int.from_bytes(room[at + 1 : at + 5], "big")
    return after if after <= filled and room[at] != ord("d") else None
