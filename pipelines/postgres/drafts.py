"""The first rows of a table on their way into Iceberg: data files that no snapshot shows before the last is written."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from threading import Lock

import pyarrow as pa
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table

from lake.catalogue import widen
from lake.commits import Mark, commit_files_once
from lake.failpoints import reached
from lake.written_files import FileWriter, read_back

NOTE = "boathouse.draft.postgres"


class IcebergDraft:
    """Data files of one table, by path; the note is a property of the table."""

    def __init__(self, table: Table) -> None:
        self.note: str | None = table.properties.get(NOTE)
        self._table = table
        self._files: dict[str, DataFile] = {}
        self._lock = Lock()

    def write(self, rows: Iterable[pa.Table], at: datetime) -> tuple[str, ...]:
        """Write rows into one data file, or another one from where they have a new column; none for no rows."""
        done: list[DataFile] = []
        writer: FileWriter | None = None
        for batch in rows:
            if writer is not None and not writer.takes(batch.schema):
                done.append(writer.close())
                writer = None
            if batch.num_rows:
                writer = writer or self._writer(batch.schema, at)
                writer.write(batch)
        if writer is not None:
            done.append(writer.close())
        with self._lock:
            self._files |= {file.file_path: file for file in done}
        return tuple(file.file_path for file in done)

    def keep(self, note: str) -> None:
        """Set the table's property."""
        with self._lock, self._table.transaction() as transaction:
            transaction.set_properties({NOTE: note})

    def drop(self, parts: Iterable[str]) -> None:
        """Delete the files; one that can't be deleted is left for the lake's upkeep."""
        for path in parts:
            self._files.pop(path, None)
            with suppress(OSError):
                self._table.io.delete(path)

    def land(self, parts: Iterable[str], at: datetime, mark: Mark) -> None:
        """Commit the files, those of an interrupted draft as their footers describe them."""
        files = []
        reached("cdc.before_parquet_write")
        for path in parts:
            known = self._files.get(path)
            files.append(known or read_back(self._table, [path], {"_commit_at": at})[0])
        reached("cdc.after_parquet_before_commit")
        commit_files_once(self._table, files, mark, forget=NOTE)

    def _writer(self, schema: pa.Schema, at: datetime) -> FileWriter:
        with self._lock:
            if not set(schema.names) <= set(self._table.schema().column_names):
                self._table = widen(self._table, schema)
            return FileWriter(self._table, {"_commit_at": at})
