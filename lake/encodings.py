"""How the values of a Parquet file are encoded: numbers by their differences, texts that differ without a dictionary.

pyiceberg has every column begin with a dictionary, which is work for nothing where a column rises or differs from row
to row, as most of a copied table's do.
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.io import OutputFile
from pyiceberg.io.pyarrow import ParquetFormatModel, ParquetFormatWriter
from pyiceberg.schema import Schema
from pyiceberg.typedef import Properties

SAMPLE_ROWS = 4096
# The most digits of a decimal that is stored as a whole number.
MOST_DIGITS = 18


class EncodedParquet(ParquetFormatModel):
    """Parquet whose encodings are chosen by the first rows of a file; every reader of Parquet 2 reads it."""

    def create_writer(
        self, output_file: OutputFile, file_schema: Schema, properties: Properties
    ) -> ParquetFormatWriter:
        """Give a writer of one file."""
        return _Writer(output_file, file_schema, properties)


class _Writer(ParquetFormatWriter):
    def write(self, table: pa.Table) -> None:
        if self._writer is None:
            self._parquet_writer_kwargs |= encodings(table)
        super().write(table)


def encodings(rows: pa.Table) -> dict[str, Any]:
    """Choose ``use_dictionary`` and ``column_encoding`` of pyarrow's ParquetWriter by some of the rows."""
    sample = rows.slice(0, SAMPLE_ROWS)
    dictionaries, chosen = [], {}
    for name in rows.column_names:
        if encoding := _encoding(sample[name]):
            chosen[name] = encoding
        else:
            dictionaries.append(name)
    return {"use_dictionary": dictionaries, "column_encoding": chosen}


def _encoding(values: pa.ChunkedArray) -> str:
    kind = values.type
    if pa.types.is_decimal128(kind):
        return "DELTA_BINARY_PACKED" if kind.precision <= MOST_DIGITS else ""
    if pa.types.is_signed_integer(kind) or pa.types.is_temporal(kind):
        return "DELTA_BINARY_PACKED"
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind):
        there = len(values) - values.null_count
        return "DELTA_LENGTH_BYTE_ARRAY" if 2 * pc.count_distinct(values).as_py() > there else ""
    return ""
