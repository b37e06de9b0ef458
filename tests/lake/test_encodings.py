"""The encodings that a file of a copied table has, and who reads them."""

import decimal
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from lake.encodings import encodings

COUNT = 3000
ROWS = pa.table(
    {
        "id": pa.array(range(COUNT)),
        "small": pa.array([None, *range(COUNT - 1)], pa.int16()),
        "price": pa.array([decimal.Decimal(n) / 100 for n in range(COUNT)], pa.decimal128(12, 2)),
        "wide": pa.array([decimal.Decimal(n) for n in range(COUNT)], pa.decimal128(30, 0)),
        "at": pa.array(
            [datetime(2024, 1, 1, second=n % 60, tzinfo=UTC) for n in range(COUNT)], pa.timestamp("us", "UTC")
        ),
        "day": pa.array([date(2024, 1, 1 + n % 28) for n in range(COUNT)]),
        "weight": pa.array([n / 7 for n in range(COUNT)]),
        "ok": pa.array([n % 3 == 0 for n in range(COUNT)]),
        "mood": pa.array([("fine", "so so", None)[n % 3] for n in range(COUNT)]),
        "note": pa.array([f"note {n}" if n % 2 else None for n in range(COUNT)]),
        "raw": pa.array([str(n).encode() for n in range(COUNT)]),
        "nothing": pa.nulls(COUNT, pa.string()),
        "names": pa.array([["a", "b"][: n % 3] for n in range(COUNT)], pa.list_(pa.string())),
    }
)


def test_whole_numbers_are_told_by_their_differences_and_texts_that_differ_have_no_dictionary() -> None:
    said = encodings(ROWS)
    numbers = {name for name, encoding in said["column_encoding"].items() if encoding == "DELTA_BINARY_PACKED"}
    texts = {name for name, encoding in said["column_encoding"].items() if encoding == "DELTA_LENGTH_BYTE_ARRAY"}
    assert numbers == {"id", "small", "price", "at", "day"}
    assert texts == {"note", "raw"}
    assert set(said["use_dictionary"]) == set(ROWS.column_names) - numbers - texts


def test_polars_duckdb_and_arrow_read_what_was_written(tmp_path: Path) -> None:
    file = str(tmp_path / "rows.parquet")
    with pq.ParquetWriter(file, ROWS.schema, store_decimal_as_integer=True, **encodings(ROWS)) as writer:
        writer.write(ROWS)
        writer.write(ROWS.slice(0, 10))
    expected = [*ROWS.to_pylist(), *ROWS.slice(0, 10).to_pylist()]
    assert pq.read_table(file).to_pylist() == expected
    assert pl.read_parquet(file).to_arrow().cast(ROWS.schema).to_pylist() == expected
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        assert (
            connection.execute("FROM read_parquet(?)", [file]).to_arrow_table().cast(ROWS.schema).to_pylist()
            == expected
        )
