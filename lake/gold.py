"""The gold of one release as a DuckDB that can read those tables and nothing else."""

from collections.abc import Iterable

import duckdb

from lake.errors import ReleaseError, ServiceError
from lake.pins import Pin
from lake.readers import connect, scan
from lake.releases import Release
from lake.settings import Settings

LOCKS = (
    "SET autoload_known_extensions = false",
    "SET allow_community_extensions = false",
    "SET python_enable_replacements = false",
    "SET enable_external_access = false",
    "SET lock_configuration = true",
)


def open_gold(settings: Settings, release: Release) -> duckdb.DuckDBPyConnection:
    """Open a view ``gold.<table>`` for each gold table of the release, at its pinned snapshot.

    The connection reads the folders of those tables and no other file or address, and its settings are
    locked; names without a schema are gold's, but not on its cursors. Use a cursor for each thread.
    Raises ReleaseError when the release has no gold, ServiceError when the object store can't be read.
    """
    if not release.gold:
        raise ReleaseError(f"The release {release.release_id} has no gold tables; `just run` cuts one that has.")
    connection = connect(settings)
    try:
        connection.execute("CREATE SCHEMA gold")
        for name, pin in release.gold.items():
            view = _quoted(name, '"')
            connection.execute(f"CREATE VIEW gold.{view} AS SELECT * FROM {scan(pin)}")
    except (duckdb.IOException, duckdb.HTTPException) as error:
        connection.close()
        raise unreadable(release) from error
    lock(connection, release.gold.values())
    return connection


def lock(connection: duckdb.DuckDBPyConnection, pins: Iterable[Pin]) -> None:
    """Take from ``connection`` everything but reading the pinned tables' folders."""
    folders = sorted({pin.metadata_location.rsplit("/metadata/", 1)[0] + "/" for pin in pins})
    connection.execute("USE gold")
    allowed = ", ".join(_quoted(folder.removeprefix("file://"), "'") for folder in folders)
    connection.execute(f"SET allowed_directories = [{allowed}]")
    for statement in LOCKS:
        connection.execute(statement)


def unreadable(release: Release) -> ServiceError:
    """Say that the object store didn't give what the release names."""
    return ServiceError(
        f"The object store didn't give the tables of release {release.release_id}; "
        "check BOATHOUSE_S3_ENDPOINT and that it runs (`just up`)."
    )


def _quoted(text: str, mark: str) -> str:
    return mark + text.replace(mark, mark * 2) + mark
