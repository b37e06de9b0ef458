"""A pin names one snapshot of one table, so that everyone who follows it reads the same rows."""

from typing import Any, NamedTuple

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchNamespaceError
from pyiceberg.table import Table


class Pin(NamedTuple):
    """One snapshot of one table.

    ``table`` is the name with its namespace; ``metadata_location`` is the metadata file in which
    ``snapshot_id`` is the current snapshot.
    """

    table: str
    snapshot_id: int
    metadata_location: str

    @classmethod
    def of(cls, table: Table) -> "Pin | None":
        """Pin a table's current snapshot; None when it has none."""
        snapshot = table.current_snapshot()
        if snapshot is None:
            return None
        return cls(".".join(table.name()), snapshot.snapshot_id, table.metadata_location)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Pin":
        """Read a pin back from ``_asdict()``."""
        return cls(value["table"], int(value["snapshot_id"]), value["metadata_location"])


def pin_tables(catalogue: Catalog, namespace: str) -> dict[str, Pin]:
    """Pin every table of a namespace that has a snapshot: table name (without namespace) to Pin."""
    try:
        names = catalogue.list_tables(namespace)
    except NoSuchNamespaceError:
        return {}
    pins = {name[-1]: Pin.of(catalogue.load_table(name)) for name in sorted(names)}
    return {name: pin for name, pin in pins.items() if pin is not None}
