"""dlt as a contestant, in an environment of its own: its Iceberg destination on S3, fed as told.

``default`` yields a page's orders as dicts through dlt's JSON normaliser; ``arrow`` yields a table of id, version and
payload a page, which dlt doesn't normalise.
"""

import json
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import boto3
import dlt
import duckdb
import orjson
import pyarrow as pa
import requests

CHECKSUM = "(sum(md5_number_lower(id)) % 18446744073709551616)::VARCHAR"


def pages(url: str) -> Iterator[list[dict[str, Any]]]:
    """Page through the orders."""
    session, after = requests.Session(), None
    while True:
        content: dict[str, Any] = {"query": "{ orders(first: 250) }", "variables": {"after": after}}
        orders = orjson.loads(session.post(url, json=content).content)["data"]["orders"]
        yield [edge["node"] for edge in orders["edges"]]
        if not orders["pageInfo"]["hasNextPage"]:
            return
        after = orders["pageInfo"]["endCursor"]


def tables(url: str) -> Iterator[pa.Table]:
    """Give each page as a table of three text columns."""
    for nodes in pages(url):
        yield pa.table(
            {
                "id": [node["id"] for node in nodes],
                "version": [node["updatedAt"] for node in nodes],
                "payload": [orjson.dumps(node).decode() for node in nodes],
            }
        )


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
    rows = dlt.resource(
        pages(told["url"]) if told["way"] == "default" else tables(told["url"]),
        name="orders",
        table_format="iceberg",
        write_disposition="append",
    )
    began = time.monotonic()
    pipeline.run(rows)
    seconds = time.monotonic() - began
    from dlt.common.libs.pyiceberg import get_iceberg_tables

    ids = get_iceberg_tables(pipeline)["orders"].scan(selected_fields=("id",)).to_arrow()  # noqa: F841  (DuckDB)
    found = duckdb.sql(f"SELECT count(*), {CHECKSUM} FROM ids").fetchone()
    assert found is not None
    print(json.dumps({"seconds": seconds, "rows": found[0], "checksum": found[1], "version": f"dlt {version('dlt')}"}))


if __name__ == "__main__":
    main()
