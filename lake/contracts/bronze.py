"""What must hold of the rows that a load brought into bronze, looked at once a load."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchNamespaceError

from lake.audits import AuditResult
from lake.contracts.rules import Contract, check_rows
from lake.documents import SCHEMA
from lake.pins import Pin
from lake.proofs import loads_of
from lake.readers import connect, quoted, scan
from lake.settings import Settings
from lake.warehouse import bronze_columns

if TYPE_CHECKING:
    from pandera.polars import DataFrameSchema

BATCH = 500_000
LANES = ("poll", "bulk", "webhook", "repair")
CHANGES = ("r", "c", "u", "d", "t")
IS_OBJECT = "payload_is_object"
"""Whether the payload is a JSON object: DuckDB looks, so that no document leaves it."""
QUARANTINE = "quarantine"
Loads = dict[str, frozenset[str]]
"""Table without namespace to loads of it."""


def check_bronze(settings: Settings, catalogue: Catalog, looked_at: Loads, bronze: str = "bronze") -> list[AuditResult]:
    """Hold the rows of every load that isn't in ``looked_at`` against their table's contract.

    Nothing is written. ``bronze`` is the namespace of the tables; quarantine keeps what is wrong and has no contract.
    """
    results: list[AuditResult] = []
    try:
        names = sorted(catalogue.list_tables(bronze))
    except NoSuchNamespaceError:
        return results
    with connect(settings) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name in names:
            table = catalogue.load_table(name)
            pin = Pin.of(table)
            known = looked_at.get(name[-1], frozenset())
            loads = tuple(
                mark.load_id for mark, snapshot in loads_of(table) if snapshot is not None and mark.load_id not in known
            )
            if pin is None or not loads or name[-1] == QUARANTINE:
                continue
            columns = [field.name for field in table.schema().fields]
            contract = documents_contract(name[-1]) if "payload" in columns else changes_contract(name[-1])
            read = [name for name in columns if name in contract.schema.columns or name == "payload"]
            results += check_rows(contract, _rows(connection, pin, read, loads), loads)
    return results


def documents_contract(table: str) -> Contract:
    """Give the contract of documents: identified, ordered, whole, and said by whom and when."""
    import pandera.polars as pa

    given = pa.Check.str_length(min_value=1)
    schema = pa.DataFrameSchema(
        {
            "id": pa.Column(pl.String, [given]),
            "version": pa.Column(pl.String, [given]),
            IS_OBJECT: pa.Column(pl.Boolean, pa.Check.eq(True)),
            "_op": pa.Column(pl.String, pa.Check.isin(["upsert", "delete"])),
            "_lane": pa.Column(pl.String, pa.Check.isin(LANES)),
            "_api_version": pa.Column(pl.String, nullable=True),
            "_received_at": pa.Column(pl.Datetime("us", "UTC")),
            "_load_id": pa.Column(pl.String, [given]),
        },
    )
    assert {IS_OBJECT if name == "payload" else name for name in SCHEMA.names} == set(schema.columns)
    return Contract(f"bronze.{table}", schema, frozenset({"isin(_lane)"}))


def changes_contract(table: str) -> Contract:
    """Give the contract of a database table's changes: each with its place in the order of commits.

    The columns that the models read must be there; what types they have is the source's own business.
    """
    import pandera.polars as pa

    place = pa.Column(pl.Int64, pa.Check.ge(0))
    own = {name: pa.Column(nullable=True) for name in bronze_columns().get(table, ()) if not name.startswith("_")}
    schema: DataFrameSchema = pa.DataFrameSchema(
        own
        | {
            "_op": pa.Column(pl.String, pa.Check.isin(CHANGES)),
            "_commit_lsn": place,
            "_ordinal": place,
            "_commit_at": pa.Column(pl.Datetime("us", "UTC"), nullable=True),
            "_load_id": pa.Column(pl.String, pa.Check.str_length(min_value=1)),
        }
    )
    return Contract(f"bronze.{table}", schema)


def _rows(
    connection: duckdb.DuckDBPyConnection, pin: Pin, columns: list[str], loads: tuple[str, ...]
) -> Iterator[pl.DataFrame]:
    """Read the loads' rows in batches, a document's payload as what it is."""
    parsed = "json_type(CASE WHEN json_valid(payload) THEN payload END)"
    is_object = f"coalesce(_op = 'delete' OR {parsed} = 'OBJECT', false) AS {IS_OBJECT}"
    said = [is_object if name == "payload" else f'"{name}"' for name in columns]
    wanted = ", ".join(map(quoted, loads))
    reader: Any = connection.execute(
        f"SELECT {', '.join(said)} FROM {scan(pin)} WHERE _load_id IN ({wanted})"
    ).to_arrow_reader(BATCH)
    empty = True
    for batch in reader:
        empty = False
        yield _frame(batch)
    if empty:
        yield _frame(reader.schema.empty_table())


def _frame(batch: Any) -> pl.DataFrame:
    frame = pl.from_arrow(batch)
    assert isinstance(frame, pl.DataFrame)
    return frame
