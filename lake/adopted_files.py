"""Parquet files that become a table's data files as they are, without being read and written again."""

import shutil
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
    pyarrow_to_schema,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.table.locations import load_location_provider

FIELD_ID = b"PARQUET:field_id"
PIECE = 8 * 2**20


def numbered(schema: pa.Schema) -> pa.Schema:
    """Give the columns the ids that a new table of this schema gives them, for its Parquet files to carry."""
    return pa.schema([column.with_metadata({FIELD_ID: str(place)}) for place, column in enumerate(schema, 1)])


def unnumbered(schema: pa.Schema) -> pa.Schema:
    """Give the columns without ids or other metadata."""
    return pa.schema([column.remove_metadata() for column in schema])


def adopted(table: Table, path: Path) -> DataFile | None:
    """Upload a local Parquet file as a data file of the table, for a commit to append.

    None, and nothing is uploaded, when its columns aren't the table's by id, name and type, or when it has no rows or
    they are of more than one partition. Raises OSError.
    """
    footer = pq.read_metadata(path)
    schema = table.schema()
    if not footer.num_rows or not _fits(schema, footer.schema.to_arrow_schema()):
        return None
    statistics = data_file_statistics_from_parquet_metadata(
        parquet_metadata=footer,
        stats_columns=compute_statistics_plan(schema, table.properties),
        parquet_column_mapping=parquet_path_to_id_mapping(schema),
    )
    try:
        partition = statistics.partition(table.spec(), schema)
    except ValueError:
        return None
    return DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=_upload(table, path),
        file_format=FileFormat.PARQUET,
        partition=partition,
        file_size_in_bytes=path.stat().st_size,
        sort_order_id=None,
        spec_id=table.spec().spec_id,
        equality_ids=None,
        key_metadata=None,
        **statistics.to_serialized_dict(),
    )


def _fits(schema: Schema, columns: pa.Schema) -> bool:
    try:
        found = pyarrow_to_schema(columns)
    except ValueError:
        # Columns without ids.
        return False
    wanted = {column.field_id: (column.name, column.field_type) for column in schema.fields}
    required = {column.field_id for column in schema.fields if column.required}
    return not required and all(wanted.get(one.field_id) == (one.name, one.field_type) for one in found.fields)


def _upload(table: Table, path: Path) -> str:
    location = load_location_provider(table.location(), table.properties).new_data_location(f"{uuid4()}.parquet")
    with path.open("rb") as file, table.io.new_output(location).create() as out:
        shutil.copyfileobj(file, out, PIECE)
    return location
