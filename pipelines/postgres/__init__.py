"""A Postgres database as a source: a consistent snapshot, then the changes from a replication slot."""

from pyiceberg.catalog import Catalog

from lake.settings import Settings
from pipelines.postgres.api import connect
from pipelines.postgres.claims import WRITER
from pipelines.postgres.continuity import followed_tables
from pipelines.postgres.crew import Tell, silent
from pipelines.postgres.flushing import Counted
from pipelines.postgres.landing import IcebergBronze
from pipelines.postgres.reading import pull
from pipelines.postgres.tables import find_tables, fitting_tables


def bronze_tables(settings: Settings) -> list[str]:
    """Name the bronze tables (``pg_<schema>_<table>``) that the settings make us fill.

    Raises CredentialsError or SourceError when the source can't be reached or a table isn't there.
    """
    with connect(settings) as connection:
        return [table.bronze for table in find_tables(connection, settings.postgres_tables)]


def names_followed(settings: Settings, catalogue: Catalog) -> list[str]:
    """Name the tables (``schema.table``) that are followed now and those that the settings name.

    Of tables that share a name in bronze it is the one that the settings name.
    """
    followed = set(followed_tables(settings, catalogue))
    with connect(settings) as connection:
        there = [table for table in fitting_tables(connection, []) if table.bronze in followed]
        named = {str(table): table.bronze for table in fitting_tables(connection, settings.postgres_tables)}
    kept = [str(table) for table in there if str(table) in named or table.bronze not in named.values()]
    return [*kept, *settings.postgres_tables]


def warning(table: str, reason: str) -> str:
    """Say in a sentence, without its full stop, that a table isn't followed any more and how it is again."""
    return (
        f"{table} is not followed any more: {reason}; its changes are lost to bronze, and the slot goes on without it, "
        f"until it is copied anew: boathouse postgres resync {table}"
    )


__all__ = [
    "WRITER",
    "Counted",
    "IcebergBronze",
    "Tell",
    "bronze_tables",
    "names_followed",
    "pull",
    "silent",
    "warning",
]
