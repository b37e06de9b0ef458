"""How far each table is behind, and what the slot makes the server keep."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pyiceberg.catalog import Catalog
from pyiceberg.conversions import from_bytes
from pyiceberg.table import Table
from pyiceberg.types import TimestamptzType

from lake.catalogue import find_table
from lake.errors import SourceError
from lake.settings import Settings
from pipelines.postgres.api import Connection, connect, fetch_one, lsn_to_int
from pipelines.postgres.servers import read_cursor
from pipelines.postgres.slots import why_missing
from pipelines.postgres.tables import find_tables

# What differs between versions is asked for by name: a row as JSON has what there is.
SLOT = """
SELECT wal_status, safe_wal_size::int8, active_pid, (to_jsonb(s) ->> 'failover')::bool,
       restart_lsn::text, confirmed_flush_lsn::text
FROM pg_replication_slots s WHERE slot_name = %s
"""
NOW = "SELECT pg_current_wal_flush_lsn()::text, extract(epoch FROM now())::float8"


@dataclass(frozen=True)
class TableStatus:
    """A table: how far behind it is in bytes and (at most) seconds, None before its first load; why it stopped.

    ``last_commit`` is the time of the latest change in bronze.
    """

    table: str
    lag_bytes: int | None
    lag_seconds: float | None
    last_commit: datetime | None
    stopped: str = ""


@dataclass(frozen=True)
class SlotStatus:
    """The slot: what the server keeps for it in bytes, how many more it may keep (None: no limit), and who reads it.

    ``wal_status`` is the server's word (reserved, extended, unreserved, lost), or "is gone".
    """

    slot: str
    wal_status: str
    held_bytes: int = 0
    lag_bytes: int = 0
    safe_bytes: int | None = None
    reader: int | None = None
    failover: bool = False


def read_status(settings: Settings, catalogue: Catalog) -> tuple[SlotStatus, list[TableStatus]]:
    """Ask the source and bronze how far each table is. Raises CredentialsError, SourceError or ServiceError."""
    with connect(settings) as connection:
        log, clock = fetch_one(connection, NOW)
        position, now = lsn_to_int(str(log)), datetime.fromtimestamp(float(str(clock)), UTC)
        slot, confirmed = _slot(connection, settings.postgres_slot, position)
        tables = find_tables(connection, settings.postgres_tables)
    found = {str(table): find_table(catalogue, f"bronze.{table.bronze}") for table in tables}
    cursors = {name: read_cursor(table) for name, table in found.items() if table is not None}
    read_to = max([confirmed, *(cursor.read_to for cursor in cursors.values() if cursor and not cursor.stopped)])
    return slot, [_table(name, found[name], position, read_to, now) for name in found]


def _slot(connection: Connection, name: str, position: int) -> tuple[SlotStatus, int]:
    row = connection.execute(SLOT, (name,)).fetchone()
    if row is None:
        return SlotStatus(name, why_missing(connection, name)), 0
    status, safe, reader, failover, restart, confirmed = row
    held, to = (lsn_to_int(str(text)) if text else position for text in (restart, confirmed))
    sizes = max(0, position - held), max(0, position - to)
    limit, pid = (None if value is None else int(str(value)) for value in (safe, reader))
    return SlotStatus(name, str(status), *sizes, limit, pid, bool(failover)), to


def _table(name: str, table: Table | None, position: int, read_to: int, now: datetime) -> TableStatus:
    cursor = None if table is None else read_cursor(table)
    if table is None or cursor is None:
        return TableStatus(name, None, None, None)
    last = last_commit(table)
    lag = max(0, position - (cursor.read_to if cursor.stopped else read_to))
    seconds = 0.0 if not lag else None if last is None else max(0.0, (now - last).total_seconds())
    return TableStatus(name, lag, seconds, last, cursor.stopped)


def last_commit(table: Table) -> datetime | None:
    """Find the latest ``_commit_at`` of a change table in its files' statistics; None when they have none."""
    field = table.schema().find_field("_commit_at").field_id
    bounds = [task.file.upper_bounds or {} for task in table.scan().plan_files()]
    latest = [int(from_bytes(TimestamptzType(), bound[field])) for bound in bounds if field in bound]
    return datetime.fromtimestamp(max(latest) / 1e6, UTC) if latest else None


def check_held(slot: SlotStatus, most_mebibytes: int) -> None:
    """Raise SourceError when the server holds more log for the slot than it may, or is about to give it up."""
    held = slot.held_bytes / 2**20
    if held > most_mebibytes or slot.wal_status not in ("reserved", "extended"):
        raise SourceError(
            f"The server holds {held:,.0f} MiB of log for the slot '{slot.slot}' ({slot.wal_status}), and "
            f"{most_mebibytes:,} MiB may be held; see that something reads it, as `just up` does."
        )


def describe(slot: SlotStatus, tables: Sequence[TableStatus]) -> dict[str, object]:
    """Give both as what JSON is made of; times are ISO 8601."""
    rows = [{**vars(one), "last_commit": one.last_commit and one.last_commit.isoformat()} for one in tables]
    return {"slot": vars(slot), "tables": rows}
