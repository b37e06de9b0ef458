"""A toy shop's gold as real Iceberg tables: five orders, three customers, small enough to add up in the head."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from lake.catalogue import ensure_table, open_catalogue
from lake.metrics import load_metrics
from lake.models import read_models
from lake.pins import pin_tables
from lake.releases import Release, cut_release
from lake.settings import Settings

MONEY = pa.decimal128(18, 2)
ORDERS = pa.schema(
    [
        ("order_key", pa.string()),
        ("customer_key", pa.string()),
        ("order_date", pa.date32()),
        ("order_status", pa.string()),
        ("payment_status", pa.string()),
        ("fulfillment_status", pa.string()),
        ("units", pa.int64()),
        ("gross_amount", MONEY),
        ("net_amount", MONEY),
        ("currency", pa.string()),
    ]
)
CUSTOMERS = pa.schema(
    [
        ("customer_key", pa.string()),
        ("city", pa.string()),
        ("state", pa.string()),
        ("country", pa.string()),
        ("customer_segment", pa.string()),
        ("first_order_date", pa.date32()),
        ("is_current", pa.bool_()),
    ]
)
RECONCILIATION = pa.schema(
    [
        ("order_key", pa.string()),
        ("order_date", pa.date32()),
        ("status", pa.string()),
        ("currency", pa.string()),
    ]
)

# order, customer, day, units, gross, net: Ann buys in January (twice) and in April, Bob and Cy in April.
FIVE_ORDERS = [
    ("o1", "ann", date(2024, 1, 1), 1, "12.00", "10.00"),
    ("o2", "ann", date(2024, 1, 31), 2, "20.00", "20.00"),
    ("o3", "ann", date(2024, 4, 1), 3, "30.00", "30.00"),
    ("o4", "bob", date(2024, 4, 1), 4, "40.05", "40.05"),
    ("o5", "cy", date(2024, 4, 8), 1, "0.00", "0.00"),
]
CHARGES = {"o1": "reconciled", "o2": "reconciled", "o3": "reconciled", "o4": "missing_charge", "o5": "not_chargeable"}


def order_row(order: tuple[str, str, date, int, str, str], currency: str = "USD") -> dict[str, Any]:
    """Make a row of gold.fact_orders."""
    key, customer, day, units, gross, net = order
    return {
        "order_key": key,
        "customer_key": customer,
        "order_date": day,
        "order_status": "open" if key == "o5" else "closed",
        "payment_status": "PAID",
        "fulfillment_status": "FULFILLED",
        "units": units,
        "gross_amount": Decimal(gross),
        "net_amount": Decimal(net),
        "currency": currency,
    }


def customer_rows() -> list[dict[str, Any]]:
    """Make gold.dim_customers: Ann has moved, so that she has two versions."""
    versions = [
        ("ann", "Rome", date(2024, 1, 1), False),
        ("ann", "Paris", date(2024, 1, 1), True),
        ("bob", "Paris", date(2024, 4, 1), True),
        ("cy", None, date(2024, 4, 8), True),
        ("dee", "Rome", None, True),
    ]
    names = ("customer_key", "city", "first_order_date", "is_current")
    same = {"state": "", "country": "FR", "customer_segment": "smb"}
    return [dict(zip(names, version, strict=True)) | same for version in versions]


def reconciliation_rows() -> list[dict[str, Any]]:
    """Make gold.payment_reconciliation: three of four chargeable orders have their charge, one charge no order."""
    rows = [
        {"order_key": order[0], "order_date": order[2], "status": CHARGES[order[0]], "currency": "USD"}
        for order in FIVE_ORDERS
    ]
    stray = {"order_key": None, "order_date": date(2024, 4, 1), "status": "charge_without_order", "currency": "USD"}
    return [*rows, stray]


def append(settings: Settings, table: str, schema: pa.Schema, rows: list[dict[str, Any]]) -> None:
    """Append rows to a gold table."""
    target = ensure_table(open_catalogue(settings), f"gold.{table}", schema)
    target.append(pa.Table.from_pylist(rows, schema=schema))


def release(settings: Settings, name: str) -> Release:
    """Cut a release of what gold holds now."""
    catalogue = open_catalogue(settings)
    cut = Release(
        release_id=name,
        cut_at=datetime(2024, 5, 1, tzinfo=UTC),
        previous=None,
        content="",
        bronze={},
        gold=pin_tables(catalogue, "gold"),
        cursors={},
        models={},
    )
    cut_release(catalogue, cut)
    return cut


def toy_tables() -> dict[str, tuple[pa.Schema, list[dict[str, Any]]]]:
    """Make the toy shop's gold: table to its columns and rows."""
    return {
        "fact_orders": (ORDERS, [order_row(order) for order in FIVE_ORDERS]),
        "dim_customers": (CUSTOMERS, customer_rows()),
        "payment_reconciliation": (RECONCILIATION, reconciliation_rows()),
    }


def whole_tables() -> dict[str, tuple[pa.Schema, list[dict[str, Any]]]]:
    """Make every table that a metric is made of, with all its model's columns; NULL where the toy shop has nothing."""
    named = {part.table.removeprefix("gold.") for metric in load_metrics().values() for part in metric.measures}
    models, toys = read_models(), toy_tables()
    tables = {}
    for name in sorted(named):
        known, rows = toys.get(name, (pa.schema([]), []))
        kinds = {column.name: _arrow(column.kind) for column in models[f"gold.{name}"].columns}
        kinds |= {field.name: field.type for field in known}
        tables[name] = (pa.schema(list(kinds.items())), rows)
    return tables


def _arrow(kind: str) -> pa.DataType:
    plain = {"TEXT": pa.string(), "BIGINT": pa.int64(), "INT": pa.int32(), "DATE": pa.date32(), "BOOLEAN": pa.bool_()}
    return plain.get(kind) or (pa.timestamp("us") if kind == "TIMESTAMP" else MONEY)


def toy_shop(settings: Settings, name: str = "first", whole: bool = False) -> Release:
    """Fill gold with the toy shop and cut a release; ``whole`` has what no order of the toy shop needs as well."""
    for table, (schema, rows) in (whole_tables() if whole else toy_tables()).items():
        append(settings, table, schema, rows)
    return release(settings, name)
