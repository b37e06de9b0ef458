"""What is new in bronze: the rows of the data files that came since an earlier pin."""

from collections.abc import Iterable

import duckdb

from lake.pins import Pin
from lake.readers import quoted

SCHEMA = "lake.news"


def new_files(connection: duckdb.DuckDBPyConnection, before: Pin, now: Pin) -> list[str] | None:
    """Name the data files that came between two snapshots of one table.

    None when the later snapshot isn't the earlier one and more: rows were rewritten or removed, or the earlier
    one has expired, so that nobody can tell.
    """
    if before.snapshot_id == now.snapshot_id:
        return []
    try:
        there, then = (_files(connection, now, pin.snapshot_id) for pin in (now, before))
    except duckdb.Error:
        return None
    if any(kind != "DATA" for kind in there.values()) or not then.keys() <= there.keys():
        return None
    return sorted(there.keys() - then.keys())


def show_news(connection: duckdb.DuckDBPyConnection, table: str, columns: Iterable[str], files: Iterable[str]) -> str:
    """Make the view ``lake.news.<table>`` over the rows of some files of a bronze table, and give its name."""
    name = f'{SCHEMA}."{table}"'
    listed = ", ".join(quoted(file.removeprefix("file://")) for file in files)
    named = ", ".join(f'"{column}"' for column in columns)
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    connection.execute(
        f"CREATE OR REPLACE VIEW {name} AS SELECT {named} FROM read_parquet([{listed}], union_by_name = true)"
    )
    return name


def _files(connection: duckdb.DuckDBPyConnection, table: Pin, snapshot_id: int) -> dict[str, str]:
    found = connection.execute(
        "SELECT file_path, manifest_content FROM "
        f"iceberg_metadata({quoted(table.metadata_location)}, snapshot_from_id={snapshot_id}) "
        "WHERE status <> 'DELETED'"
    ).fetchall()
    return {str(path): str(kind) for path, kind in found}
