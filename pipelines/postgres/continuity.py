"""What must have stayed as it was for tables to be followed further: server, publication and list of tables."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from pyiceberg.catalog import Catalog
from pyiceberg.table import Table

from lake.catalogue import find_table, tables_in
from lake.commits import commit_once
from lake.errors import SourceError
from lake.settings import Settings
from pipelines.postgres.api import Connection
from pipelines.postgres.claims import Claim, Cursor
from pipelines.postgres.partitions import published_roots
from pipelines.postgres.servers import check_server_is_the_same, read_cursor
from pipelines.postgres.slots import ANEW
from pipelines.postgres.tables import SourceTable

PUBLISHED = """
SELECT (SELECT count(*) FROM pg_publication WHERE pubname = %s),
       ARRAY(SELECT format('%%s.%%s', schemaname, tablename) FROM pg_publication_tables WHERE pubname = %s)
"""


def check_continuity(
    settings: Settings, catalogue: Catalog, connection: Connection, wanted: Sequence[SourceTable]
) -> None:
    """See, before anything is read, that no change of a followed table got lost without a word.

    A table that isn't among the ``wanted`` any more, or that was taken out of the publication, stops: its mark
    says why. Raises SourceError when all of them would: the publication is gone, or the server is another one.
    """
    followed = {name: (table, cursor) for name, table, cursor in _followed(settings, catalogue) if not cursor.anew}
    if not followed:
        return
    check_server_is_the_same(settings, list(followed.values()))
    published = published_now(connection, settings.postgres_publication)
    names = {table.bronze: str(table) for table in wanted}
    for name, (table, cursor) in followed.items():
        if cursor.stopped:
            continue
        if name not in names:
            _stop(table, cursor, "it was left out of BOATHOUSE_POSTGRES_TABLES, has no key any more, or is gone")
        elif names[name] not in published:
            _stop(table, cursor, f"it was taken out of the publication '{settings.postgres_publication}'")


def published_now(connection: Connection, publication: str) -> set[str]:
    """Name the tables (``schema.table``) that a publication has, which was there when they were last read.

    Raises SourceError when it is gone.
    """
    there, published = connection.execute(PUBLISHED, (publication,) * 2).fetchone() or (0, [])
    if not there:
        raise SourceError(
            f"The publication '{publication}' is gone, and with it the changes since its tables were last read; {ANEW}."
        )
    assert isinstance(published, list)
    return {*published, *(f"{schema}.{name}" for schema, name in published_roots(connection, publication))}


def followed_tables(settings: Settings, catalogue: Catalog) -> list[str]:
    """Name the bronze tables (``pg_<schema>_<table>``) that are followed through the slot of the settings."""
    return [name for name, _, cursor in _followed(settings, catalogue) if not cursor.stopped]


def _followed(settings: Settings, catalogue: Catalog) -> list[tuple[str, Table, Cursor]]:
    found = []
    for name in tables_in(catalogue, "bronze"):
        if name.startswith("pg_"):
            table = find_table(catalogue, f"bronze.{name}")
            cursor = None if table is None else read_cursor(table)
            if table is not None and cursor is not None and cursor.slot == settings.postgres_slot:
                found.append((name, table, cursor))
    return found


def _stop(table: Table, cursor: Cursor, reason: str) -> None:
    claim = Claim((), f"not followed after position {cursor.read_to}")
    stopped = replace(cursor, stopped=reason)
    commit_once(table, [], claim.mark(f"postgres-{datetime.now(UTC):%Y%m%dT%H%M%S%f}-stopped", stopped))
