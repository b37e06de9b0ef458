"""Boathouse as a contestant: a slot drained into Iceberg by peeks or from the walsender, then read by DuckDB."""

import json
import sys
import time
from importlib.metadata import version

from bench.cdc_drain.waiting import PUBLICATION
from lake.catalogue import ensure_namespaces, open_catalogue
from lake.handover import load
from lake.pins import Pin
from lake.readers import connect as open_duckdb
from lake.readers import scan
from pipelines.postgres import IcebergBronze
from pipelines.postgres.api import connect, lsn_to_int
from pipelines.postgres.claims import Claim, Cursor
from pipelines.postgres.compiling import compiled
from pipelines.postgres.following import engine
from pipelines.postgres.landing import marked
from pipelines.postgres.reading import plan_load
from pipelines.postgres.walsender import Walsender

NAME = "pg_public_changes"
CHECKSUM = "sum(('0x' || left(md5(id::VARCHAR), 15))::BIGINT::HUGEINT)::VARCHAR"


def main() -> None:
    """Drain, and say what was done."""
    told = json.loads(sys.stdin.read())
    settings = load(told["settings"])
    settings = type(settings).model_validate(
        settings.model_dump()
        | {
            "postgres_dsn": told["dsn"],
            "postgres_slot": told["slot"],
            "postgres_publication": PUBLICATION,
            "postgres_tables": ["public.changes"],
        }
    )
    catalogue = open_catalogue(settings)
    ensure_namespaces(catalogue)
    bronze = IcebergBronze(catalogue)
    # As if it had been copied when it was empty, before the first change.
    marked(bronze, NAME, Claim((), "empty").mark("bench", Cursor(told["slot"], 0, 0, lsn_to_int(told["end"]))))
    # A reader that goes on for days has compiled its loops long ago.
    compiled()
    end = lsn_to_int(told["end"])
    began = time.monotonic()
    plan = plan_load(settings, bronze)
    with engine(settings, bronze, plan.followed, plan.confirmed) as running:
        if told["way"] == "peek":
            with connect(settings) as connection:
                running.drain(connection, end)
        else:
            with connect(settings, replication=True) as wire:
                walsender = Walsender(wire, told["slot"], PUBLICATION, plan.confirmed)
                running.stream(walsender, lambda: running.reached(end, walsender))
                running.finish(walsender)
    seconds = time.monotonic() - began
    pin = Pin.of(catalogue.load_table(f"bronze.{NAME}"))
    assert pin is not None
    with open_duckdb(settings) as connection:
        found = connection.execute(f"SELECT count(*), {CHECKSUM} FROM {scan(pin)}").fetchone()
    assert found is not None
    catalogue.purge_table(f"bronze.{NAME}")
    said = {"seconds": seconds, "rows": found[0], "checksum": found[1], "version": version("boathouse")}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
