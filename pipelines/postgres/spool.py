"""Bronze rows of one load on disk, until the schema that all of them share is known."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from lake.errors import SourceError
from pipelines.postgres.columns import widest
from pipelines.postgres.rows import META


@dataclass
class _File:
    path: Path
    schema: pa.Schema
    writer: pa.RecordBatchStreamWriter


class Spool:
    """Arrow files in a temporary folder: one for each table and shape of it, in the order they came."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="boathouse-"))
        self._files: dict[str, list[_File]] = {}

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_: object) -> None:
        for files in self._files.values():
            for file in files:
                file.writer.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def write(self, table: str, batch: pa.Table) -> None:
        """Append rows of a table."""
        files = self._files.setdefault(table, [])
        if not files or files[-1].schema != batch.schema:
            path = self._folder / f"{len(self._files)}-{len(files)}.arrow"
            files.append(_File(path, batch.schema, pa.ipc.new_stream(path, batch.schema)))
        files[-1].writer.write_table(batch)

    @property
    def tables(self) -> list[str]:
        """The tables that have rows."""
        return list(self._files)

    def read(self, table: str) -> Iterator[pa.Table]:
        """Read a table's rows back in order, all in the schema that holds every shape they came in.

        A column that a row's shape didn't have is null there. Raises SourceError when a column changed its
        type to one that the former doesn't widen to.
        """
        files = self._files[table]
        for file in files:
            file.writer.close()
        schema = shared_schema(table, [file.schema for file in files])
        for file in files:
            with pa.ipc.open_stream(file.path) as reader:
                for batch in reader:
                    yield aligned(pa.Table.from_batches([batch]), schema)


def shared_schema(table: str, schemas: list[pa.Schema]) -> pa.Schema:
    """Unite the shapes that a table had: the columns in order of appearance, ours last."""
    fields: dict[str, pa.Field] = {}
    for schema in schemas:
        for field in schema:
            known = fields.get(field.name, field)
            kind = widest(known.type, field.type)
            if kind is None:
                raise SourceError(
                    f"Column {field.name} of {table} changed its type from {known.type} to {field.type}, "
                    "which the table in bronze can't follow; load the table anew."
                )
            fields[field.name] = pa.field(field.name, kind)
    ours = [fields.pop(name) for name in META]
    return pa.schema([*fields.values(), *ours])


def aligned(batch: pa.Table, schema: pa.Schema) -> pa.Table:
    """Bring a batch into a schema: missing columns as nulls, narrower types widened."""
    arrays = [
        batch[field.name].cast(field.type) if field.name in batch.schema.names else pa.nulls(len(batch), field.type)
        for field in schema
    ]
    return pa.table(arrays, schema=schema)
