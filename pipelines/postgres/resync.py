"""Giving up how far tables were read, so that they are copied anew; and giving up the slot and the publication."""

from collections.abc import Sequence
from datetime import UTC, datetime

from psycopg import sql
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import RESTError
from pyiceberg.table import Table

from lake.catalogue import find_table
from lake.commits import MARK
from lake.errors import SourceError
from lake.settings import Settings
from pipelines.postgres.api import Connection, connect, current_lsn, lsn_to_text
from pipelines.postgres.claims import WRITER
from pipelines.postgres.flushing import new_load_id
from pipelines.postgres.landing import IcebergBronze, ask_anew
from pipelines.postgres.servers import SERVER, read_cursor
from pipelines.postgres.slots import drop_slot, find_slot
from pipelines.postgres.tables import find_tables


def forget(settings: Settings, catalogue: Catalog, names: Sequence[str]) -> list[str]:
    """Have the tables ``names`` (``schema.table``; all that the settings name when empty) copied by the next load.

    What bronze has of them stays, and so does the state that silver folds from it until the copy has landed: its
    first row empties the table. Where the server's log is behind the rows in bronze, being another
    server's, the bronze table is set aside under another name. Gives the tables' names. Raises SourceError while
    somebody reads the slot, or for a table that isn't there.
    """
    with connect(settings) as connection:
        find_slot(connection, settings.postgres_slot)
        tables = find_tables(connection, names or settings.postgres_tables)
        position = current_lsn(connection)
    for table in tables:
        found = find_table(catalogue, f"bronze.{table.bronze}")
        cursor = None if found is None else read_cursor(found)
        if found is None or cursor is None:
            continue
        if position <= cursor.commit_lsn:
            _set_aside(catalogue, found, position)
            continue
        if SERVER in found.properties:
            with found.transaction() as change:
                change.remove_properties(SERVER)
        ask_anew(IcebergBronze(catalogue), table.bronze, f"{new_load_id()}-anew")
    return [str(table) for table in tables]


def drop(settings: Settings) -> list[str]:
    """Drop the slot and the publication, and give what was there to drop. Raises SourceError while somebody reads."""
    slot, publication = settings.postgres_slot, settings.postgres_publication
    with connect(settings) as connection:
        gone = []
        if _there(connection, "SELECT FROM pg_replication_slots WHERE slot_name = %s", slot):
            find_slot(connection, slot)
            drop_slot(connection, slot)
            gone.append(f"the replication slot '{slot}'")
        if _there(connection, "SELECT FROM pg_publication WHERE pubname = %s", publication):
            connection.execute(sql.SQL("DROP PUBLICATION {}").format(sql.Identifier(publication)))
            gone.append(f"the publication '{publication}'")
    return gone


def _there(connection: Connection, query: str, name: str) -> bool:
    return connection.execute(query.encode(), (name,)).fetchone() is not None


def _set_aside(catalogue: Catalog, table: Table, position: int) -> None:
    """Rename a table whose rows are ahead of the log of the server that is there now; the copy begins another one."""
    name = ".".join(table.name())
    new = f"{name}__until_{datetime.now(UTC):%Y%m%dt%H%M%S}"
    try:
        catalogue.rename_table(name, new)
        # Nobody follows it any more: without its mark it is a table like any other.
        with catalogue.load_table(new).transaction() as change:
            change.remove_properties(*{SERVER, MARK + WRITER} & table.properties.keys())
    except (RESTError, RuntimeError) as error:
        raise SourceError(
            f"{name} holds changes of another server's log, which this one's, at {lsn_to_text(position)}, is behind, "
            f"so nothing can be put after them; rename or drop {name} in the catalogue, then run this again."
        ) from error
