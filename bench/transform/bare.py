"""DuckDB alone: the same SQL, a table a model, and the same audits."""

import time

BEGAN = time.monotonic()

import json  # noqa: E402
import sys  # noqa: E402
from importlib.metadata import version  # noqa: E402
from pathlib import Path  # noqa: E402

import duckdb  # noqa: E402

from bench.transform.done import left_in  # noqa: E402
from lake.handover import load  # noqa: E402
from lake.pins import Pin  # noqa: E402
from lake.warehouse import WAREHOUSE, attach_bronze  # noqa: E402


def main() -> None:
    """Build the models that are asked for, and say what was done; the process's start counts."""
    told = json.loads(sys.stdin.read())
    settings = load(told["settings"])
    file = settings.state_dir / WAREHOUSE
    pins = {name: Pin.from_json(pin) for name, pin in told["pins"].items()}
    with duckdb.connect(str(file)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        attach_bronze(connection, settings, pins, Path(told["project"]))
        for schema in ("silver", "gold"):
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        for model in told["models"]:
            connection.execute(f"CREATE OR REPLACE TABLE {model['model']} AS {model['query']}")
            for audit in model["audits"]:
                connection.execute(audit).fetchall()
    seconds = time.monotonic() - BEGAN
    rows, checksum = left_in(file)
    print(json.dumps({"seconds": seconds, "rows": rows, "checksum": checksum, "version": version("duckdb")}))


if __name__ == "__main__":
    main()
