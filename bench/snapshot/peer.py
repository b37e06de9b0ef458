"""dlt's sql_database as a contestant, in an environment of its own: into its Iceberg destination on S3.

``backend`` is how it reads: sqlalchemy (its default, a dict a row), pyarrow or connectorx, which its manual calls fast.
"""

import json
import sys
import time
from importlib.metadata import version
from typing import Any

import boto3
import dlt
import duckdb
from dlt.sources.sql_database import sql_table


def main() -> None:
    """Load, and say what was done."""
    told = json.loads(sys.stdin.read())
    dlt.config["runtime.dlthub_telemetry"] = False
    keys = {"aws_access_key_id": told["access_key"], "aws_secret_access_key": told["secret_key"]}
    place = {"endpoint_url": told["endpoint"], "region_name": "us-east-1"}
    boto3.client("s3", **keys, **place).create_bucket(Bucket=told["bucket"])
    dlt.config["normalize.workers"] = told["workers"]
    destination = dlt.destinations.filesystem(f"s3://{told['bucket']}", credentials=keys | place)
    pipeline = dlt.pipeline("orders", pipelines_dir=told["folder"], destination=destination, dataset_name="bronze")
    ways: dict[str, dict[str, Any]] = {
        "sqlalchemy": {},
        "pyarrow": {"chunk_size": 100_000},
        # As its manual has it: whole numbers and decimals as the database declares them.
        "connectorx": {"chunk_size": 100_000, "backend_kwargs": {"return_type": "arrow_stream"}},
    }
    rows = sql_table(
        told["url"],
        table="orders",
        backend=told["backend"],
        reflection_level="full_with_precision",
        **ways[told["backend"]],
    )
    # One text for JSON, whatever the reader makes of it: dlt would unfold it into tables of its own.
    rows.max_table_nesting = 0
    rows.apply_hints(table_format="iceberg", write_disposition="append")
    began = time.monotonic()
    pipeline.run(rows)
    seconds = time.monotonic() - began
    from dlt.common.libs.pyiceberg import get_iceberg_tables

    landed = get_iceberg_tables(pipeline)["orders"].scan().to_arrow()  # noqa: F841  (DuckDB reads it by its name)
    found = duckdb.sql(f"SELECT count(*), {told['checksum']} FROM landed").fetchone()
    assert found is not None
    print(json.dumps({"seconds": seconds, "rows": found[0], "checksum": found[1], "version": f"dlt {version('dlt')}"}))


if __name__ == "__main__":
    main()
