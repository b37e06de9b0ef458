"""The gear for far behind: large peeks at the slot through COPY, each landed before the slot is moved on."""

from collections.abc import Iterator

from psycopg import sql

from pipelines.postgres.api import Connection, lsn_to_text
from pipelines.postgres.frames import CopyStream, Frames, Run

RUN_BYTES = 16 * 2**20
PEEK = """
COPY (SELECT data FROM pg_logical_slot_peek_binary_changes(
    {}, {}, {}, 'proto_version', '1', 'publication_names', {})) TO STDOUT (FORMAT binary)
"""
# COPY's binary format: a signature, flags and the length of an extension; then before each value the number of
# fields (2 bytes) and its length (4); at the end -1 for the number of fields.
SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
HEADER = 6


def peek(connection: Connection, slot: str, publication: str, upto_lsn: int, most: int | None = None) -> Iterator[Run]:
    """Read the slot's messages of all transactions that committed before ``upto_lsn`` (bytes), confirming nothing.

    After ``most`` messages the transaction at hand is the last. Gives runs of about RUN_BYTES.
    """
    query = sql.SQL(PEEK).format(
        sql.Literal(slot),
        sql.Literal(lsn_to_text(upto_lsn)),
        sql.Literal(most),
        sql.Literal(sql.Identifier(publication).as_string()),
    )
    stream, frames = CopyStream(connection, query.as_bytes(connection)), Frames(HEADER)
    begun = False
    while not stream.ended:
        stream.read_into(frames, RUN_BYTES)
        if frames.parts and not begun:
            frames.parts[0] = frames.parts[0][len(SIGNATURE) :]
            begun = True
        if frames.parts and frames.parts[-1] == TRAILER:
            del frames.parts[-1]
        full = frames.size >= RUN_BYTES or stream.ended
        if full and frames.parts:
            yield frames.take()
        if not full:
            stream.wait(60.0)
