"""What a run of ours left in bronze: read back by DuckDB, said, and removed for the next run."""

import json
from importlib.metadata import version

from pyiceberg.catalog import Catalog

from lake.pins import Pin
from lake.readers import connect, scan
from lake.settings import Settings


def tell(settings: Settings, catalogue: Catalog, table: str, checksum: str, seconds: float) -> None:
    """Count the rows of a table of bronze, compute the SQL expression ``checksum`` over them, and print what was done.

    The table is gone afterwards.
    """
    pin = Pin.of(catalogue.load_table(f"bronze.{table}"))
    assert pin is not None
    with connect(settings) as connection:
        found = connection.execute(f"SELECT count(*), {checksum} FROM {scan(pin)}").fetchone()
    assert found is not None
    catalogue.purge_table(f"bronze.{table}")
    print(json.dumps({"seconds": seconds, "rows": found[0], "checksum": found[1], "version": version("boathouse")}))
