"""What the machine can do at best: have Postgres send the table in its binary form, and look at none of it."""

import json
import sys
import time

import duckdb
import psycopg
import pyarrow as pa

from bench.snapshot.source import CHECKSUM
from pipelines.postgres.compiling import compiled
from pipelines.postgres.wire import Copy

COLUMNS = "id, customer, sku, note, quantity, price::text, rate, paid, placed_at, shipped, ref::text"


def main() -> None:
    """Copy to nowhere; a second time in another form, to see what was copied."""
    told = json.loads(sys.stdin.read())
    with psycopg.connect(told["dsn"], autocommit=True) as connection:
        copy = Copy(connection, "COPY orders TO STDOUT (FORMAT binary)")
        compiled()  # As an import is.
        began = time.monotonic()
        for _ in copy.pieces():
            pass
        seconds = time.monotonic() - began
        server = connection.info.server_version
    rows, checksum = _seen(told["dsn"])
    rows = rows if rows == copy.rows else 0
    print(
        json.dumps({"seconds": seconds, "rows": rows, "checksum": checksum, "version": f"Postgres {server // 10000}"})
    )


def _seen(dsn: str) -> tuple[int, str]:
    with duckdb.connect() as held, psycopg.connect(dsn) as connection, connection.cursor("seen") as cursor:
        cursor.execute(f"SELECT {COLUMNS} FROM orders".encode())
        made = False
        while batch := cursor.fetchmany(100_000):
            names = [column.name for column in cursor.description or ()]
            rows = pa.table(dict(zip(names, map(list, zip(*batch, strict=True)), strict=True)))  # noqa: F841  (DuckDB)
            held.execute("INSERT INTO seen FROM rows" if made else "CREATE TABLE seen AS FROM rows")
            made = True
        found = held.execute(f"SELECT count(*), {CHECKSUM} FROM seen").fetchone()
    assert found is not None
    return int(found[0]), str(found[1])


if __name__ == "__main__":
    main()
