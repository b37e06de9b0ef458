"""Bronze copied into Snowflake, for an account that can't reach the lake's own catalogue."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from lake.pins import Pin
from lake.readers import connect, scan
from lake.settings import Settings
from lake.warehouse import PROJECT, bronze_columns

SCHEMA = "LAKE.BRONZE"
ROW_GROUP = 10_000
TYPES = {
    "float": "DOUBLE",
    "date": "DATE",
    "time": "TIME(6)",
    "timestamp": "TIMESTAMP_NTZ(6)",
    "blob": "BINARY",
    "text": "VARCHAR",
    "bigint": "NUMBER(38, 0)",
    "int": "NUMBER(38, 0)",
    "boolean": "BOOLEAN",
    "double": "DOUBLE",
    "decimal(18, 2)": "NUMBER(18, 2)",
    "timestamptz": "TIMESTAMP_LTZ(6)",
    "text[]": "ARRAY",
}


def copy_bronze(
    connection: Any,
    settings: Settings,
    pins: Mapping[str, Pin],
    project: Path = PROJECT,
    progress: Callable[[str], None] | None = None,
) -> int:
    """Make ``lake.bronze`` in Snowflake hold what the models read, at ``pins``; give the rows copied.

    Each table travels as one Parquet file through a stage and is there whole or as it was before, so a copy that
    was cut off is begun again. A table without a pin is made empty. ``connection`` is the connector's.
    """
    cursor = connection.cursor()
    for sql in (
        "CREATE DATABASE IF NOT EXISTS LAKE",
        f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}",
        "USE DATABASE LAKE",
        f"USE SCHEMA {SCHEMA}",
        f"CREATE STAGE IF NOT EXISTS {SCHEMA}.LANDING",
    ):
        cursor.execute(sql)
    total = 0
    for table, columns in bronze_columns(project).items():
        if progress is not None:
            progress(table)
        name = f"{SCHEMA}.{table.upper()}"
        declared = ", ".join(f"{column.upper()} {_type(kind)}" for column, kind in columns.items())
        pin = pins.get(table)
        if pin is None:
            cursor.execute(f"CREATE OR REPLACE TABLE {name} ({declared})")
            continue
        cursor.execute(f"CREATE OR REPLACE TABLE {name}_ARRIVING ({declared})")
        with tempfile.TemporaryDirectory() as folder:
            total += _write(settings, pin, list(columns), Path(folder) / f"{table}.parquet")
            _send(cursor, Path(folder) / f"{table}.parquet", f"{name}_ARRIVING")
        cursor.execute(f"CREATE OR REPLACE TABLE {name} CLONE {name}_ARRIVING")
        cursor.execute(f"DROP TABLE {name}_ARRIVING")
    return total


def _type(kind: str) -> str:
    """Give a DuckDB type as Snowflake has it."""
    return TYPES.get(kind.lower()) or kind.upper().replace("DECIMAL", "NUMBER")


def _write(settings: Settings, pin: Pin, columns: list[str], file: Path) -> int:
    """Write the pinned rows to a Parquet file and count them."""
    rows = 0
    with connect(settings) as reading:
        wanted = ", ".join(f'"{column}"' for column in columns)
        reader = reading.execute(f"SELECT {wanted} FROM {scan(pin)}").to_arrow_reader(ROW_GROUP)
        with pq.ParquetWriter(file, reader.schema, compression="zstd") as writer:
            for batch in reader:
                writer.write_batch(batch)
                rows += batch.num_rows
    return rows


def _send(cursor: Any, file: Path, table: str) -> None:
    stage = f"@{SCHEMA}.LANDING/{file.stem}"
    cursor.execute(f"PUT 'file://{file}' {stage} AUTO_COMPRESS = FALSE OVERWRITE = TRUE")
    cursor.execute(
        f"COPY INTO {table} FROM {stage} "
        "FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE) "
        "MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE FORCE = TRUE PURGE = TRUE"
    )
