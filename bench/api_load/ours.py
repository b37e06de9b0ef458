"""Boathouse as a contestant: the orders through the polling lane into bronze, then read back by DuckDB."""

import json
import sys
import time
from typing import Any

from bench.landed import tell
from lake.catalogue import open_catalogue
from lake.handover import load
from lake.settings import silence_telemetry
from pipelines.documents import Load
from pipelines.loads import known_documents, run_load
from pipelines.shopify import shopify_source

CHECKSUM = "(sum(md5_number_lower(id)) % 18446744073709551616)::VARCHAR"


def main() -> None:
    """Load, and say what was done."""
    told = json.loads(sys.stdin.read())
    settings = load(told["settings"]).model_copy(
        update={
            "shopify_shop": "bench",
            "shopify_url": told["url"],
            "shopify_access_token": "shpat_bench",
            "shopify_objects": ["orders"],
            # Pages are what is measured, as the peers read them.
            "shopify_bulk_from": 1_000_000_000,
        }
    )
    settings = type(settings).model_validate(settings.model_dump())
    silence_telemetry(settings)
    catalogue = open_catalogue(settings)
    began = time.monotonic()
    with known_documents(settings, catalogue) as known:

        def source(opened: Load) -> Any:
            cursors = {"shopify_orders": "1997-01-01T00:00:00Z"}
            made = shopify_source(settings, opened, cursors, known)
            return made.with_resources("shopify_orders", "quarantine")

        run_load(settings, catalogue, "shopify", source)
    seconds = time.monotonic() - began
    tell(settings, catalogue, "shopify_orders", CHECKSUM, seconds)


if __name__ == "__main__":
    main()
