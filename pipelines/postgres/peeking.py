"""The gear for far behind: the slot read in large chunks through COPY, each landed before the slot is moved on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Full, Queue
from threading import Event, Thread
from uuid import uuid4

import numpy as np
import psycopg
from psycopg import errors, sql

from lake.settings import Settings
from pipelines.postgres.api import Connection, connect, lsn_to_text
from pipelines.postgres.compiling import loops
from pipelines.postgres.frames import Run
from pipelines.postgres.slots import drop_slot
from pipelines.postgres.wire import Copy

READ = """
COPY (SELECT data FROM pg_logical_slot_{}_binary_changes(
    {}, {}, {}, 'proto_version', '1', 'publication_names', {})) TO STDOUT (FORMAT binary)
"""
COPIED = "SELECT pg_copy_logical_replication_slot(%s, %s, true)"
# COPY's binary form begins with a signature, flags and the length of an extension.
SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
# A commit is the shortest of the messages that come often: 26 bytes, and 6 before it. An end of a row is shorter.
LEAST_BYTES = 8
CHUNK_MESSAGES = 500_000
AHEAD_BYTES, AHEAD_RUNS = 64 * 2**20, 8
"""Bytes of log from which on reading ahead is worth a slot, and how many runs of about 16 MiB may wait here."""
LOOK_SECONDS = 0.1


class Backlog:
    """What waits in a slot, chunk by chunk; ``done`` when the last one was read.

    Each chunk begins where the slot stands, so the slot must be moved in between, unless it is read ``ahead``.
    """

    def __init__(self, read: Callable[[], Iterator[Run]], *, ahead: bool) -> None:
        self.ahead, self.done = ahead, False
        self._read = read

    def chunk(self) -> Iterator[Run]:
        """Read the next transactions: those of CHUNK_MESSAGES messages, and the rest of the last one."""
        seen = 0
        for run in self._read():
            seen += len(run)
            yield run
        self.done = seen < CHUNK_MESSAGES


@contextmanager
def backlog(settings: Settings, connection: Connection, upto: int, behind: int) -> Iterator[Backlog]:
    """Give what committed before ``upto`` (bytes); the slot isn't moved.

    Far ``behind`` (bytes) a temporary copy of the slot reads ahead, if the server has room for one.
    """
    slot, publication = settings.postgres_slot, settings.postgres_publication
    if behind >= AHEAD_BYTES:
        with connect(settings) as reading:
            if (copy := _copied(reading, slot)) is not None:
                with _ahead(reading, copy, publication, upto) as read_on:
                    yield Backlog(read_on, ahead=True)
                drop_slot(reading, copy)
                return
    yield Backlog(lambda: read(connection, "peek", slot, publication, upto), ahead=False)


def _copied(connection: Connection, slot: str) -> str | None:
    """Copy a slot for as long as the connection lives; None when the server has no room for another one."""
    copy = f"{slot[:50]}_{uuid4().hex[:12]}"
    try:
        connection.execute(COPIED, (slot, copy))
    except errors.ConfigurationLimitExceeded:
        return None
    return copy


@contextmanager
def _ahead(connection: Connection, slot: str, publication: str, upto: int) -> Iterator[Callable[[], Iterator[Run]]]:
    """Read a slot that nobody else needs to its end in a thread, so that the server works on the chunks to come."""
    waiting: Queue[Run | BaseException | None] = Queue(AHEAD_RUNS)
    stop = Event()

    def put(found: Run | BaseException | None) -> None:
        while not stop.is_set():
            with suppress(Full):
                waiting.put(found, timeout=LOOK_SECONDS)
                return

    def go_on() -> None:
        rest = Backlog(lambda: read(connection, "get", slot, publication, upto), ahead=False)
        try:
            while not rest.done and not stop.is_set():
                for run in rest.chunk():
                    put(run)
                put(None)
        except BaseException as error:
            put(error)

    def chunk() -> Iterator[Run]:
        while (found := waiting.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            yield found

    thread = Thread(target=go_on, name="reading ahead")
    thread.start()
    try:
        yield chunk
    finally:
        stop.set()
        thread.join(LOOK_SECONDS)
        while thread.is_alive():
            with suppress(psycopg.Error):
                connection.cancel_safe(timeout=1.0)
            thread.join(LOOK_SECONDS)


def read(connection: Connection, how: str, slot: str, publication: str, upto: int) -> Iterator[Run]:
    """Read a chunk of the slot in runs of about 16 MiB; ``how`` is to peek at it or to get it, which moves the slot."""
    query = sql.SQL(READ).format(
        sql.SQL(how),
        sql.Literal(slot),
        sql.Literal(lsn_to_text(upto)),
        sql.Literal(CHUNK_MESSAGES),
        sql.Literal(sql.Identifier(publication).as_string()),
    )
    left, skipped = b"", len(SIGNATURE)
    for piece in Copy(connection, query.as_string(connection)).pieces():
        data = b"".join([left, piece])
        if len(data) < skipped:
            left = data
            continue
        most_rows = len(data) // LEAST_BYTES + 1
        starts, ends = np.empty(most_rows, np.int64), np.empty(most_rows, np.int64)
        chosen = loops(len(data) // 64)
        at, count = chosen.unwrap(chosen.view(data), skipped, starts, ends)
        left, skipped = data[at:], 0
        if count:
            yield Run(data, starts[:count].copy(), ends[:count].copy())
