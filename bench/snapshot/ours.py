"""Boathouse as a contestant: the first load of the table into bronze, then read back by DuckDB."""

import json
import sys
import time
from importlib.metadata import version

from bench.snapshot.source import BRONZE, CHECKSUM
from lake.catalogue import ensure_namespaces, open_catalogue
from lake.handover import load
from lake.pins import Pin
from lake.readers import connect, scan
from lake.settings import silence_telemetry
from pipelines.postgres import IcebergBronze, pull
from pipelines.postgres.api import connect as connect_to_source
from pipelines.postgres.compiling import compiled
from pipelines.postgres.slots import drop_slot


def main() -> None:
    """Load, and say what was done; the slot and the table are gone afterwards."""
    settings = load(json.loads(sys.stdin.read())["settings"])
    silence_telemetry(settings)
    catalogue = open_catalogue(settings)
    ensure_namespaces(catalogue)
    compiled()  # As an import is.
    began = time.monotonic()
    pull(settings, IcebergBronze(catalogue))
    seconds = time.monotonic() - began
    with connect_to_source(settings) as source:
        drop_slot(source, settings.postgres_slot)
    pin = Pin.of(catalogue.load_table(f"bronze.{BRONZE}"))
    assert pin is not None
    with connect(settings) as connection:
        found = connection.execute(f"SELECT count(*), {CHECKSUM} FROM {scan(pin)}").fetchone()
    assert found is not None
    catalogue.purge_table(f"bronze.{BRONZE}")
    said = {"seconds": seconds, "rows": found[0], "checksum": found[1], "version": version("boathouse")}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
