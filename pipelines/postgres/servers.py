"""Which server a table was read from, so that another one in its place is noticed."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from pyiceberg.table import Table

from lake.commits import last_mark
from lake.errors import SourceError
from lake.settings import Settings
from pipelines.postgres.api import Connection, connect, fetch_one, lsn_to_int, lsn_to_text
from pipelines.postgres.claims import WRITER, Cursor

SERVER = "boathouse.postgres.server"


@dataclass(frozen=True)
class Server:
    """A server's identity: ``system`` is made with its data, ``timeline`` rises with every promotion of a standby."""

    system: str
    timeline: int

    def to_json(self) -> str:
        """Write it as the JSON text that a table's property holds."""
        return json.dumps(asdict(self))


def check_server_is_the_same(settings: Settings, followed: Sequence[tuple[Table, Cursor]]) -> None:
    """See that each bronze table goes on with the server that it was read from.

    A server that was promoted in between is taken for the same where bronze has nothing of before that it lacks;
    then, and when a table has no server yet, it is noted in the table's properties. Raises SourceError with the
    command that copies the table anew.
    """
    with connect(settings, replication=True) as walsender:
        now = identify(walsender)
        for table, cursor in followed:
            known = table.properties.get(SERVER)
            if known == now.to_json():
                continue
            if known is not None and not cursor.stopped:
                check_same(walsender, ".".join(table.name()), Server(**json.loads(known)), now, cursor)
            with table.transaction() as change:
                change.set_properties({SERVER: now.to_json()})


def identify(walsender: Connection) -> Server:
    """Ask a replication connection who the server is."""
    system, timeline, *_ = fetch_one(walsender, "IDENTIFY_SYSTEM")
    return Server(str(system), int(str(timeline)))


def read_cursor(table: Table) -> Cursor | None:
    """Read how far a bronze table was read; None when it isn't followed."""
    mark = last_mark(table, WRITER)
    return Cursor.from_json(mark.cursor) if mark is not None and mark.cursor else None


def check_same(walsender: Connection, name: str, known: Server, now: Server, cursor: Cursor) -> None:
    """See that ``now`` has every change that was read of ``known``; ``name`` is what was filled with them.

    Raises SourceError with the command that copies the table anew.
    """
    anew = "`boathouse postgres resync --all` copies its tables anew, or set BOATHOUSE_POSTGRES_DSN back"
    if known.system != now.system:
        raise SourceError(
            f"{name} was read from another server than the one that BOATHOUSE_POSTGRES_DSN names now (its system "
            f"identifier was {known.system} and is {now.system}), so its changes in between aren't known; {anew}."
        )
    left = left_at(walsender, known.timeline, now.timeline)
    if cursor.read_to > left:
        raise SourceError(
            f"The server was promoted from a standby that had the log only up to {lsn_to_text(left)}, while {name} "
            f"was read up to {lsn_to_text(cursor.read_to)}: bronze may hold changes that the server doesn't; {anew}."
        )


def left_at(walsender: Connection, before: int, now: int) -> int:
    """Give the position (bytes) at which the server's history left the timeline ``before``; 0 if it never was on it."""
    if now < 2 or before >= now:
        return 0
    _, history = fetch_one(walsender, f"TIMELINE_HISTORY {now}")
    text = history.decode() if isinstance(history, bytes) else str(history)
    for line in text.splitlines():
        timeline, _, rest = line.strip().partition("\t")
        if timeline == str(before):
            return lsn_to_int(rest.split()[0])
    return 0
