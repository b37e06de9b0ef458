"""The warehouse: the DuckDB file that SQLMesh builds silver and gold in, with pinned bronze in view."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import yaml

from lake.collecting import collect_rarely
from lake.errors import LockedError, ServiceError, UnknownNameError
from lake.pins import Pin
from lake.readers import prepare, scan
from lake.settings import Settings

if TYPE_CHECKING:
    from sqlmesh import Context

PROJECT = Path(__file__).resolve().parent.parent / "sqlmesh"
WAREHOUSE = "warehouse.duckdb"
STATE = "state.duckdb"
BRONZE = "lake.bronze."

GOLD = {
    "balance_reconciliation": ("month", "currency", "is_live"),
    "customer_cohorts": ("cohort_month", "month", "currency"),
    "customer_email_cohorts": ("cohort_month", "month", "currency"),
    "customer_value": ("customer_key", "currency"),
    "daily_shop": ("day", "currency"),
    "daily_shop_presentment": ("day", "currency"),
    "dim_customers": ("customer_key", "valid_from"),
    "dim_date": ("date_key",),
    "dim_products": ("product_key", "valid_from"),
    "discounts": ("discount_kind", "title", "target", "currency"),
    "fact_balance_transactions": ("balance_transaction_id",),
    "fact_inventory_daily": ("sku", "inventory_date"),
    "fact_order_lines": ("line_key",),
    "fact_orders": ("order_key",),
    "fact_payments": ("charge_id",),
    "fact_payouts": ("payout_id",),
    "fact_refunds": ("refund_key",),
    "invoice_lines": ("invoice_id", "invoice_line_id"),
    "mrr": ("month", "subscription_item_id"),
    "payment_reconciliation": ("order_id", "charge_id"),
    "payout_reconciliation": ("payout_id",),
    "subscriptions": ("subscription_id",),
}


def gold_tables() -> list[str]:
    """Name the gold tables, without their schema, in alphabetical order."""
    return sorted(GOLD)


def read_gold(settings: Settings, table: str) -> pa.Table:
    """Read a gold table, ordered by its grain, so that equal content is equal bytes.

    Raises UnknownNameError for a table that isn't gold, LockedError and ServiceError as check_files does.
    """
    if table not in GOLD:
        raise UnknownNameError("gold table", table, GOLD)
    order = ", ".join(f"{column} NULLS LAST" for column in GOLD[table])
    with _opened(settings.state_dir / WAREHOUSE, read_only=True) as connection:
        return connection.execute(f"SELECT * FROM gold.{table} ORDER BY {order}").to_arrow_table()


def fingerprint(project: Path = PROJECT) -> dict[str, str]:
    """Hash the project's files, without SQLMesh: the path below ``project`` to 16 hexadecimal digits.

    Two equal answers mean that nothing that decides a number has changed; unit tests don't count.
    """
    files = (path for path in project.rglob("*") if path.suffix in {".sql", ".py", ".yaml", ".csv"})
    kept = {path.relative_to(project).as_posix(): path for path in files}
    return {
        name: hashlib.sha256(kept[name].read_bytes()).hexdigest()[:16]
        for name in sorted(kept)
        if name.split("/")[0] not in {"tests", ".cache", "logs"}
    }


def check_files(settings: Settings) -> None:
    """See that the warehouse and SQLMesh's state can be opened, and drop a state whose warehouse is gone.

    Raises LockedError when another process has one of them open, ServiceError when one is broken.
    """
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    warehouse, state = settings.state_dir / WAREHOUSE, settings.state_dir / STATE
    if not warehouse.exists():
        for left in (state, state.with_name(STATE + ".wal"), warehouse.with_name(WAREHOUSE + ".wal")):
            left.unlink(missing_ok=True)
    for file in (warehouse, state):
        with _opened(file):
            pass


@contextmanager
def open_project(
    settings: Settings, pins: Mapping[str, Pin], project: Path = PROJECT, *, unit_tests: bool = False
) -> Iterator["Context"]:
    """Open the SQLMesh project on the warehouse, with every bronze table at its pin as ``lake.bronze.<table>``.

    A table without a pin is there without rows. Importing SQLMesh and loading the project takes seconds, and a
    second more with its unit tests.
    """
    from sqlmesh import Context
    from sqlmesh.core.config import Config, GatewayConfig
    from sqlmesh.core.config.connection import BaseDuckDBConnectionConfig, DuckDBConnectionConfig

    forget_writers()

    def show_lake(cursor: duckdb.DuckDBPyConnection) -> None:
        cursor.execute("SET TimeZone = 'UTC'")
        attached = cursor.execute("SELECT 1 FROM duckdb_databases() WHERE database_name = 'lake'").fetchone()
        if attached is None:
            attach_bronze(cursor, settings, pins, project)

    class Warehouse(DuckDBConnectionConfig):
        """The warehouse's file, seen together with the lake."""

        @property
        def _cursor_init(self) -> Callable[[Any], None]:
            return show_lake

    files = [str(settings.state_dir / name) for name in (WAREHOUSE, STATE)]
    config = read_config(project, unit_tests=unit_tests)
    config["gateways"] = {
        "duckdb": GatewayConfig(
            connection=Warehouse(database=files[0]), state_connection=DuckDBConnectionConfig(database=files[1])
        )
    }
    config["cache_dir"] = str((settings.state_dir / "sqlmesh-cache").resolve())
    context = None
    try:
        with collect_rarely():
            context = Context(paths=[str(project)], config=Config(**config))
            yield context
    finally:
        if context is not None:
            context.close()
        for file in files:
            adapter = BaseDuckDBConnectionConfig._data_file_to_adapter.pop(file, None)
            if adapter is not None:
                adapter.close()


@contextmanager
def open_warehouse(
    settings: Settings, pins: Mapping[str, Pin], project: Path = PROJECT
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse without SQLMesh, with every bronze table at its pin as open_project shows it.

    Raises LockedError and ServiceError as check_files does.
    """
    with _opened(settings.state_dir / WAREHOUSE) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        attach_bronze(connection, settings, pins, project)
        yield connection


def forget_writers() -> None:
    """Have sqlglot learn SQLMesh's own expressions, also when it wrote SQL before SQLMesh was imported."""
    from sqlglot import generator

    generator._DISPATCH_CACHE.clear()


def read_config(project: Path = PROJECT, *, unit_tests: bool = False) -> dict[str, Any]:
    """Read the project's settings of SQLMesh, without its unit tests unless they are asked for."""
    config: dict[str, Any] = yaml.safe_load((project / "config.yaml").read_text(encoding="utf-8"))
    return config if unit_tests else config | {"ignore_patterns": ["tests/*.yaml"]}


def attach_bronze(
    connection: duckdb.DuckDBPyConnection, settings: Settings, pins: Mapping[str, Pin], project: Path = PROJECT
) -> None:
    """Attach an in-memory ``lake`` whose bronze views read the pinned snapshots."""
    prepare(connection, settings)
    connection.execute("ATTACH ':memory:' AS lake")
    connection.execute("CREATE SCHEMA lake.bronze")
    for table, columns in bronze_columns(project).items():
        if table in pins:
            body = f"SELECT * FROM {scan(pins[table])}"
        else:
            empty = ", ".join(f"CAST(NULL AS {kind}) AS {column}" for column, kind in columns.items())
            body = f"SELECT {empty} WHERE FALSE"
        connection.execute(f"CREATE VIEW {BRONZE}{table} AS {body}")


def bronze_columns(project: Path = PROJECT) -> dict[str, dict[str, str]]:
    """Give the columns that the models expect of each bronze table: table to column to DuckDB type."""
    declared = yaml.safe_load((project / "external_models.yaml").read_text(encoding="utf-8"))
    return {model["name"].removeprefix(BRONZE): model["columns"] for model in declared}


@contextmanager
def _opened(file: Path, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    try:
        connection = duckdb.connect(str(file), read_only=read_only)
    except duckdb.IOException as error:
        if "lock" in str(error):
            raise LockedError(f"Another process has {file} open; wait for it to end and run again.") from None
        raise _broken(file, error) from None
    except duckdb.Error as error:
        raise _broken(file, error) from None
    try:
        yield connection
    finally:
        with suppress(duckdb.Error):
            connection.close()


def _broken(file: Path, error: Exception) -> ServiceError:
    why = str(error).splitlines()[0]
    return ServiceError(f"{file} can't be opened ({why}); remove it and run again, it is rebuilt from bronze.")
