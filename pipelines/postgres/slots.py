"""The replication slot: its state, its birth with an exported snapshot, its end and its advance."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import md5
from pathlib import Path
from typing import NamedTuple

from psycopg import sql

from lake.errors import DiskFullError, SourceError, UnreachableError
from lake.failpoints import reached
from lake.settings import Settings
from pipelines.postgres.api import Connection, connect, fetch_one, lsn_to_int, lsn_to_text

STATE = """
SELECT plugin, database = current_database(), active_pid, wal_status, confirmed_flush_lsn::text
FROM pg_replication_slots WHERE slot_name = %s
"""
WHY_LOST = """
SELECT coalesce(to_jsonb(s) ->> 'invalidation_reason', 'wal_removed') FROM pg_replication_slots s
WHERE slot_name = %s AND wal_status = 'lost'
"""
REASONS = {
    "wal_removed": "the server gave up the log it kept for it, which was longer than max_slot_wal_keep_size",
    "rows_removed": "the server removed rows of its catalogue that reading the log needs",
    "wal_level_insufficient": "the server ran without wal_level = logical meanwhile",
    "idle_timeout": "nobody read it for longer than idle_replication_slot_timeout",
}
ANEW = "`boathouse postgres resync --all` copies the tables anew"
# The first version that takes a slot along in a failover.
FAILOVER = 170000


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


def why_missing(connection: Connection, name: str) -> str:
    """Say what became of a slot that isn't found: gone, or lost and why."""
    row = connection.execute(WHY_LOST, (name,)).fetchone()
    return "is gone" if row is None else f"is lost: {REASONS.get(str(row[0]), str(row[0]))}"


def check_slot_is_ours(settings: Settings, connection: Connection) -> None:
    """See, before a slot is made or made anew, that the one of that name, if any, was left by this lake.

    Raises SourceError when this lake never made one: another lake may follow the database with it.
    """
    name = settings.postgres_slot
    if _note(settings, name).exists():
        return
    if connection.execute(STATE, (name,)).fetchone() is not None:
        raise SourceError(
            f"The replication slot '{name}' is there and wasn't made by this lake: another lake follows this database "
            "with it, or one that is gone did. Set BOATHOUSE_POSTGRES_SLOT and BOATHOUSE_POSTGRES_PUBLICATION to other "
            "names; or, if nobody needs it, run `boathouse postgres drop`."
        )


def _note(settings: Settings, name: str) -> Path:
    """Where it is noted that this lake makes a slot: in the state folder, by the lake's warehouse."""
    lake = md5(settings.catalog_warehouse.encode(), usedforsecurity=False).hexdigest()[:8]
    return settings.state_dir / "slots" / f"{name}-{lake}"


def _take_note(settings: Settings, name: str) -> None:
    note = _note(settings, name)
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.touch()
    except OSError as error:
        raise DiskFullError(
            f"The replication slot '{name}' can't be noted in {note.parent} ({error.strerror}), so it isn't made; "
            "make room, or set BOATHOUSE_STATE_DIR elsewhere, and run again."
        ) from error


def drop_slot(connection: Connection, name: str) -> None:
    """Drop the slot if it is there, lost or not."""
    connection.execute(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s", (name,)
    )


@contextmanager
def exported_slot(settings: Settings, name: str, *, temporary: bool) -> Iterator[Exported]:
    """Create a pgoutput slot and export its snapshot, which lives as long as this context.

    Waits for the transactions that write at this moment. A temporary slot ends with the context; another one is taken
    along in a failover where the server can do that and BOATHOUSE_POSTGRES_FAILOVER allows it.
    """
    with connect(settings, replication=True) as walsender:
        kept = settings.postgres_failover and not temporary and walsender.info.server_version >= FAILOVER
        command = sql.SQL("CREATE_REPLICATION_SLOT {}{} LOGICAL pgoutput (SNAPSHOT 'export'{})").format(
            sql.Identifier(name), sql.SQL(" TEMPORARY" if temporary else ""), sql.SQL(", FAILOVER" if kept else "")
        )
        if not temporary:
            _take_note(settings, name)
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
