"""The replication slot: its state, its birth with an exported snapshot, its end and its advance."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from psycopg import sql

from lake.errors import SourceError, UnreachableError
from lake.failpoints import reached
from lake.settings import Settings
from pipelines.postgres.api import Connection, connect, fetch_one, lsn_to_int, lsn_to_text

STATE = """
SELECT plugin, database = current_database(), active_pid, wal_status, confirmed_flush_lsn::text
FROM pg_replication_slots WHERE slot_name = %s
"""
ANEW = "run `just clean`, then `just run`, to load everything anew"


class Slot(NamedTuple):
    """A slot as the server has it: name, and the position in bytes up to which it is confirmed."""

    name: str
    confirmed: int


class Exported(NamedTuple):
    """A new slot's consistent point in bytes, and the snapshot that sees exactly what committed before it."""

    consistent_lsn: int
    snapshot: str


def find_slot(connection: Connection, name: str) -> Slot | None:
    """Find our slot; None when there is none, or when the server has given up its log.

    Raises SourceError when the slot isn't a pgoutput slot of this database, or when somebody reads it.
    """
    row = connection.execute(STATE, (name,)).fetchone()
    if row is None or row[3] == "lost":
        return None
    plugin, ours, active_pid, _, confirmed = row
    if plugin != "pgoutput" or not ours:
        raise SourceError(
            f"The replication slot '{name}' belongs to something else (plugin {plugin}); "
            "set BOATHOUSE_POSTGRES_SLOT to another name."
        )
    if active_pid is not None:
        raise UnreachableError(
            f"The replication slot '{name}' is being read by the server process {active_pid}; "
            "stop that reader, or set BOATHOUSE_POSTGRES_SLOT to another name."
        )
    return Slot(name, lsn_to_int(str(confirmed)))


def drop_slot(connection: Connection, name: str) -> None:
    """Drop the slot if it is there, lost or not."""
    connection.execute(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s", (name,)
    )


@contextmanager
def exported_slot(settings: Settings, name: str, *, temporary: bool) -> Iterator[Exported]:
    """Create a pgoutput slot and export its snapshot, which lives as long as this context.

    Waits for the transactions that write at this moment. A temporary slot ends with the context.
    """
    with connect(settings, replication=True) as walsender:
        command = sql.SQL("CREATE_REPLICATION_SLOT {}{} LOGICAL pgoutput (SNAPSHOT 'export')").format(
            sql.Identifier(name), sql.SQL(" TEMPORARY" if temporary else "")
        )
        row = walsender.execute(command).fetchone()
        if row is None:
            raise SourceError(f"Postgres created the slot '{name}' without a consistent point; run again.")
        if not temporary:
            reached("postgres.slot_created")
        yield Exported(lsn_to_int(str(row[1])), str(row[2]))


def advance(connection: Connection, name: str, position: int) -> int:
    """Confirm the slot up to ``position`` in bytes, never backwards; give where it stands then."""
    slot = find_slot(connection, name)
    if slot is None or position <= slot.confirmed:
        return slot.confirmed if slot else 0
    reached("postgres.before_advance")
    query = "SELECT end_lsn::text FROM pg_replication_slot_advance(%s, %s::pg_lsn)"
    return lsn_to_int(str(fetch_one(connection, query, (name, lsn_to_text(position)))[0]))
