"""Data files of a table that are written a batch at a time, and that nobody sees before they are committed."""

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import (
    _to_requested_schema,
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
    pyarrow_to_schema,
    schema_to_pyarrow,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.partitioning import PartitionField, PartitionFieldValue, PartitionKey
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.table.locations import load_location_provider
from pyiceberg.typedef import Record

from lake.encodings import EncodedParquet


class FileWriter:
    """One Parquet file of a table in the making.

    ``fixed`` gives the one value that a column has in all rows; the table's partition fields must be of such columns.
    """

    def __init__(self, table: Table, fixed: Mapping[str, Any]) -> None:
        self._table, self._fixed = table, fixed
        self._schema = table.schema()
        self._model = EncodedParquet()
        key = partition_key(table, fixed)
        places = load_location_provider(table.location(), table.properties)
        self.path = places.new_data_location(f"{uuid.uuid4()}.parquet", key)
        self._output = table.io.new_output(self.path)
        self._writer = self._model.create_writer(self._output, self._schema, table.properties)

    def takes(self, schema: pa.Schema) -> bool:
        """Whether the file has every column of ``schema``."""
        return set(schema.names) <= set(self._schema.column_names)

    def write(self, rows: pa.Table) -> None:
        """Append rows as a row group; a column that they don't have is null."""
        said = pyarrow_to_schema(rows.schema, name_mapping=self._schema.name_mapping)
        batches = [
            _to_requested_schema(self._schema, said, batch, include_field_ids=True, format_model=self._model)
            for batch in rows.combine_chunks().to_batches()
        ]
        self._writer.write(pa.Table.from_batches(batches))

    def close(self) -> DataFile:
        """Finish the file, and describe it for a commit."""
        statistics = self._writer.close()
        return _described(self._table, self.path, self._fixed, len(self._output), statistics)


def read_back(table: Table, paths: Iterable[str], fixed: Mapping[str, Any]) -> list[DataFile]:
    """Describe files that FileWriter wrote, from what their footers say. Raises OSError when one is gone."""
    found = []
    for path in paths:
        source = table.io.new_input(path)
        with source.open() as stream:
            footer = pq.read_metadata(stream)
        statistics = data_file_statistics_from_parquet_metadata(
            footer,
            compute_statistics_plan(table.schema(), table.properties),
            parquet_path_to_id_mapping(table.schema()),
        )
        found.append(_described(table, path, fixed, len(source), statistics))
    return found


def partition_key(table: Table, fixed: Mapping[str, Any]) -> PartitionKey | None:
    """Give the partition of rows that have the ``fixed`` values; None when the table isn't partitioned."""
    spec, schema = table.spec(), table.schema()
    if spec.is_unpartitioned():
        return None
    return PartitionKey(
        [PartitionFieldValue(part, _transformed(schema, part, fixed)) for part in spec.fields], spec, schema
    )


def _transformed(schema: Schema, part: PartitionField, fixed: Mapping[str, Any]) -> Any:
    source = schema.find_field(part.source_id)
    value = pa.array([fixed[source.name]], schema_to_pyarrow(source.field_type))
    return part.transform.pyarrow_transform(source.field_type)(value)[0].as_py()


def _described(table: Table, path: str, fixed: Mapping[str, Any], size: int, statistics: Any) -> DataFile:
    key = partition_key(table, fixed)
    return DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=path,
        file_format=FileFormat.PARQUET,
        partition=key.partition if key else Record(),
        file_size_in_bytes=size,
        sort_order_id=None,
        spec_id=table.spec().spec_id,
        equality_ids=None,
        key_metadata=None,
        **statistics.to_serialized_dict(),
    )
