from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.table import Table

from lake.adopted_files import adopted, numbered
from lake.catalogue import ensure_table
from lake.commits import Mark, commit_once
from lake.pins import Pin
from lake.readers import connect, scan
from lake.settings import Settings
from tests.lake.conftest import ids

SCHEMA = pa.schema([("id", pa.string()), ("_received_at", pa.timestamp("us", tz="UTC"))])
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def table(catalogue: Catalog, unique: str) -> Table:
    """An empty table, partitioned by day."""
    return ensure_table(catalogue, f"{unique}.orders", SCHEMA, "_received_at")


def written(path: Path, *received: datetime, schema: pa.Schema = SCHEMA) -> Path:
    """Write orders 0, 1, 2 … received at these times."""
    columns = [[str(number) for number in range(len(received))], list(received)]
    pq.write_table(pa.Table.from_arrays([pa.array(c) for c in columns], names=schema.names).cast(schema), path)
    return path


def test_a_file_that_carries_the_tables_ids_is_taken_as_it_is(table: Table, tmp_path: Path, settings: Settings) -> None:
    path = written(tmp_path / "a.parquet", NOON, NOON + timedelta(hours=1), schema=numbered(SCHEMA))
    file = adopted(table, path)
    assert file is not None
    with table.io.new_input(file.file_path).open() as taken:
        assert taken.read() == path.read_bytes()
    assert commit_once(table, [file], Mark("poll", "a")).rows == 2
    assert ids(table) == ["0", "1"]
    assert table.scan(row_filter="_received_at >= '2026-03-02T00:00:00+00:00'").to_arrow().num_rows == 0
    pin = Pin.of(table)
    assert pin is not None
    with connect(settings) as connection:
        found = connection.execute(f"SELECT id FROM {scan(pin)} WHERE _received_at > ?", [NOON]).fetchall()
    assert found == [("1",)]


@pytest.mark.parametrize(
    "schema",
    [
        SCHEMA,
        numbered(pa.schema(list(reversed(list(SCHEMA))))),
        numbered(pa.schema([("id", pa.string()), ("_received_at", pa.timestamp("us"))])),
        numbered(pa.schema([*SCHEMA, ("more", pa.string())])),
    ],
    ids=["no ids", "other ids", "another type", "another column"],
)
def test_a_file_whose_columns_are_not_the_tables_is_not_taken(table: Table, tmp_path: Path, schema: pa.Schema) -> None:
    rows = pa.Table.from_pylist([{"id": "1", "_received_at": NOON.replace(tzinfo=None)}], schema=schema)
    pq.write_table(rows, tmp_path / "a.parquet")
    assert adopted(table, tmp_path / "a.parquet") is None


def test_a_file_of_two_days_or_of_no_rows_is_not_taken(table: Table, tmp_path: Path) -> None:
    schema = numbered(SCHEMA)
    assert adopted(table, written(tmp_path / "a.parquet", NOON, NOON + timedelta(days=1), schema=schema)) is None
    assert adopted(table, written(tmp_path / "b.parquet", schema=schema)) is None
