"""Boathouse as a contestant: a slot drained into Iceberg by peeks or from the walsender, then read by DuckDB."""

import json
import sys
import time

from bench.cdc_drain.waiting import CHECKSUM, PUBLICATION
from bench.landed import tell
from lake.catalogue import ensure_namespaces, open_catalogue
from lake.handover import load
from pipelines.postgres import IcebergBronze
from pipelines.postgres.api import connect, lsn_to_int
from pipelines.postgres.claims import Claim, Cursor
from pipelines.postgres.compiling import compiled
from pipelines.postgres.following import engine
from pipelines.postgres.landing import marked
from pipelines.postgres.reading import plan_load
from pipelines.postgres.walsender import Walsender

NAME = "pg_public_changes"


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
    tell(settings, catalogue, NAME, CHECKSUM, seconds)


if __name__ == "__main__":
    main()
