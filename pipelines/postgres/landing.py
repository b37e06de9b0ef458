"""Where changes land: the rows of a table and the mark that says how far they go, in one Iceberg commit."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, Protocol

import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import RESTError
from pyiceberg.table import Table
from requests.exceptions import RequestException

from lake.catalogue import ensure_table, find_table
from lake.commits import Mark, commit_once, last_mark
from lake.errors import CommitError
from lake.failpoints import reached
from lake.settings import Settings
from pipelines.postgres.api import Connection
from pipelines.postgres.claims import WRITER, Claim, Cursor
from pipelines.postgres.continuity import check_continuity
from pipelines.postgres.drafts import NOTE, IcebergDraft
from pipelines.postgres.rows import META, OURS
from pipelines.postgres.shapes import Misfit
from pipelines.postgres.tables import SourceTable

DAY = "_commit_at"


class Standing(NamedTuple):
    """How far a bronze table is, and the columns of the source that it has."""

    cursor: Cursor
    types: dict[str, pa.DataType]


class Draft(Protocol):
    """Rows of one table on their way, part by part, which nobody sees before all of them are landed."""

    note: str | None
    """What the draft before was told to keep, if it was never landed: its parts are still there."""

    def write(self, rows: Iterable[pa.Table], at: datetime) -> tuple[str, ...]:
        """Write rows, all with the ``_commit_at`` ``at``; give the names of the parts they make.

        May be called by several threads at once.
        """

    def keep(self, note: str) -> None:
        """Keep a note for whoever goes on when this process doesn't."""

    def drop(self, parts: Iterable[str]) -> None:
        """Forget parts that aren't landed."""

    def land(self, parts: Iterable[str], at: datetime, mark: Mark) -> None:
        """Make the rows of these parts and the mark durable together; a load that is there already adds nothing."""


class Marks(Protocol):
    """How far change tables are, by name (``pg_<schema>_<table>``)."""

    def standing(self, table: str) -> Standing | None:
        """Tell how far a table is; None before its first load."""

    def goes_on(self, settings: Settings, connection: Connection, wanted: Sequence[SourceTable]) -> None:
        """See that what is followed can be followed further, and stop the tables that can't. Raises SourceError."""


class Bronze(Marks, Protocol):
    """Change tables and how far they are."""

    def land(self, table: str, schema: pa.Schema, rows: Iterable[pa.Table], mark: Mark) -> None:
        """Make rows and mark durable together, or neither; a load that is there already adds nothing.

        Raises CommitError, and Misfit when the table can't take the columns.
        """

    def set_aside(self, table: str, columns: Iterable[str]) -> None:
        """Give columns other names, under which the rows by now keep their values, so that theirs are free."""

    def note(self, table: str) -> str | None:
        """Give what a draft was told to keep that was never landed."""

    def draft(self, table: str, schema: pa.Schema) -> Draft:
        """Begin, or go on with, rows of a table that become visible all at once.

        Raises CommitError, and Misfit when the table can't take the columns.
        """


class IcebergBronze:
    """The change tables in the lake."""

    def __init__(self, catalogue: Catalog) -> None:
        self._catalogue = catalogue
        self._known: dict[str, tuple[Table, pa.Schema]] = {}

    def standing(self, table: str) -> Standing | None:
        """Read a table's mark and columns."""
        found = find_table(self._catalogue, f"bronze.{table}")
        mark = None if found is None else last_mark(found, WRITER)
        if found is None or mark is None:
            return None
        fields = [field for field in found.schema().as_arrow() if field.name not in META]
        return Standing(Cursor.from_json(mark.cursor), {field.name: _plain(field.type) for field in fields})

    def land(self, table: str, schema: pa.Schema, rows: Iterable[pa.Table], mark: Mark) -> None:
        """Evolve the table if the rows have other columns than the last ones had, then commit."""
        commit_once(self._evolved(table, schema), _passing(rows), mark)

    def set_aside(self, table: str, columns: Iterable[str]) -> None:
        """Rename the columns to ``<column>__until_<number of the schema>``."""
        found = self._catalogue.load_table(f"bronze.{table}")
        with found.update_schema() as update:
            for name in columns:
                update.rename_column(name, f"{name}__until_{found.metadata.current_schema_id}")
        self._known.pop(table, None)

    def note(self, table: str) -> str | None:
        """Read the table's property."""
        found = find_table(self._catalogue, f"bronze.{table}")
        return None if found is None else found.properties.get(NOTE)

    def draft(self, table: str, schema: pa.Schema) -> Draft:
        """Make the table if it isn't there."""
        return IcebergDraft(self._evolved(table, schema))

    def _evolved(self, table: str, schema: pa.Schema) -> Table:
        found, seen = self._known.get(table, (None, None))
        if found is None or seen != schema:
            before = find_table(self._catalogue, f"bronze.{table}")
            try:
                found = ensure_table(self._catalogue, f"bronze.{table}", schema, partition_day=DAY)
            except CommitError as error:
                raise Misfit(str(error).rstrip(".")) from error
            except (OSError, RequestException, RESTError) as error:
                raise CommitError(
                    f"The lake doesn't take the columns of {table} at the moment ({type(error).__name__}: {error}); "
                    "nothing is lost, run again when it is back."
                ) from error
            if before is not None and before.metadata.current_schema_id != found.metadata.current_schema_id:
                reached("cdc.during_schema_change")
            self._known[table] = (found, schema)
        return found

    def goes_on(self, settings: Settings, connection: Connection, wanted: Sequence[SourceTable]) -> None:
        """Compare the source with what the tables were read from."""
        check_continuity(settings, self._catalogue, connection, wanted)


def ask_anew(bronze: Bronze, table: str, load_id: str) -> None:
    """Have a table that was loaded before copied again at the next load, after a row that empties it."""
    if (standing := bronze.standing(table)) is not None:
        marked(bronze, table, Claim((), "asked for anew").mark(load_id, replace(standing.cursor, anew=True)))


def marked(bronze: Bronze, table: str, mark: Mark) -> None:
    """Leave a mark that has no rows."""
    bronze.land(table, OURS, [], mark)


def _passing(rows: Iterable[pa.Table]) -> Iterator[pa.Table]:
    reached("cdc.before_parquet_write")
    yield from rows
    reached("cdc.after_parquet_before_commit")


def _plain(kind: pa.DataType) -> pa.DataType:
    """Give the type as rows have it; pyiceberg reads text and bytes as their large twins."""
    return {pa.large_string(): pa.string(), pa.large_binary(): pa.binary()}.get(kind, kind)
