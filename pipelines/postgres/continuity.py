"""What must have stayed as it was for tables to be followed further: server, publication and list of tables."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import structlog
from pyiceberg.catalog import Catalog
from pyiceberg.table import Table

from lake.catalogue import find_table, tables_in
from lake.commits import commit_once
from lake.errors import SourceError
from lake.settings import Settings
from pipelines.postgres.api import Connection
from pipelines.postgres.claims import Claim, Cursor
from pipelines.postgres.definitions import OTHER, key_changed, read_definitions, why_other
from pipelines.postgres.partitions import published_roots
from pipelines.postgres.servers import check_server_is_the_same, read_cursor
from pipelines.postgres.slots import ANEW
from pipelines.postgres.tables import SourceTable

log = structlog.get_logger("postgres")

PUBLISHED = """
SELECT (SELECT count(*) FROM pg_publication WHERE pubname = %s),
       ARRAY(SELECT format('%%s.%%s', schemaname, tablename) FROM pg_publication_tables WHERE pubname = %s)
"""


def check_continuity(
    settings: Settings, catalogue: Catalog, connection: Connection, wanted: Sequence[SourceTable]
) -> None:
    """See, before anything is read, that no change of a followed table got lost without a word.

    A table that isn't among the ``wanted`` any more, that was taken out of the publication or has another key stops:
    its mark says why. One of which changes may be lost (``definitions.why_other``) is copied anew. Raises SourceError
    when all of them would stop: the publication is gone, or the server is another one.
    """
    followed = {name: (table, cursor) for name, table, cursor in _followed(settings, catalogue) if not cursor.anew}
    if not followed:
        return
    check_server_is_the_same(settings, list(followed.values()))
    published = published_now(connection, settings.postgres_publication)
    sources = {table.bronze: table for table in wanted}
    definitions = read_definitions(connection, settings.postgres_publication, wanted)
    for name, (table, cursor) in followed.items():
        if cursor.stopped:
            continue
        if (source := sources.get(name)) is None:
            _stop(table, cursor, "it was left out of BOATHOUSE_POSTGRES_TABLES, has no key any more, or is gone")
            continue
        now = definitions.get((source.schema, source.name))
        if now and cursor.definition and cursor.definition["table"] != now["table"]:
            _ask_anew(table, cursor, OTHER)
        elif str(source) not in published:
            _stop(table, cursor, f"it was taken out of the publication '{settings.postgres_publication}'")
        elif reason := key_changed(cursor.key, source.key):
            _stop(table, cursor, reason)
        elif reason := why_other(cursor.definition, now):
            _ask_anew(table, cursor, reason)


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
    _mark(table, "stopped", f"not followed after position {cursor.read_to}", replace(cursor, stopped=reason))


def _ask_anew(table: Table, cursor: Cursor, reason: str) -> None:
    log.warning("a table is copied anew", table=table.name()[-1], reason=reason)
    _mark(table, "anew", "asked for anew", replace(cursor, anew=True))


def _mark(table: Table, what: str, said_by: str, cursor: Cursor) -> None:
    commit_once(table, [], Claim((), said_by).mark(f"postgres-{datetime.now(UTC):%Y%m%dT%H%M%S%f}-{what}", cursor))
