"""The gear for far behind: large peeks at the slot through COPY, each landed before the slot is moved on."""

from collections.abc import Iterator

import numpy as np
from psycopg import sql

from pipelines.postgres.api import Connection, lsn_to_text
from pipelines.postgres.compiling import loops
from pipelines.postgres.frames import Run
from pipelines.postgres.wire import Copy

PEEK = """
COPY (SELECT data FROM pg_logical_slot_peek_binary_changes(
    {}, {}, {}, 'proto_version', '1', 'publication_names', {})) TO STDOUT (FORMAT binary)
"""
# COPY's binary form begins with a signature, flags and the length of an extension.
SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
# A commit is the shortest of the messages that come often: 26 bytes, and 6 before it. An end of a row is shorter.
LEAST_BYTES = 8


def peek(connection: Connection, slot: str, publication: str, upto_lsn: int, most: int | None = None) -> Iterator[Run]:
    """Read the slot's messages of all transactions that committed before ``upto_lsn`` (bytes), confirming nothing.

    After ``most`` messages the transaction at hand is the last. Gives runs of about 16 MiB.
    """
    query = sql.SQL(PEEK).format(
        sql.Literal(slot),
        sql.Literal(lsn_to_text(upto_lsn)),
        sql.Literal(most),
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
