"""Boathouse as a contestant: the first load of the table into bronze, then read back by DuckDB."""

import json
import sys
import time

from bench.landed import tell
from bench.snapshot.source import BRONZE, CHECKSUM
from lake.catalogue import ensure_namespaces, open_catalogue
from lake.handover import load
from lake.settings import silence_telemetry
from pipelines.postgres import IcebergBronze, pull
from pipelines.postgres.api import connect
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
    with connect(settings) as source:
        drop_slot(source, settings.postgres_slot)
    tell(settings, catalogue, BRONZE, CHECKSUM, seconds)


if __name__ == "__main__":
    main()
