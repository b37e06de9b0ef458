from pyiceberg.catalog import Catalog
from pyiceberg.table import Table

from lake.catalogue import ensure_table
from lake.commits import commit_once
from lake.pins import Pin, pin_tables
from lake.readers import connect, scan
from lake.settings import Settings
from tests.lake.conftest import SCHEMA, mark, rows


def test_a_pin_reads_the_rows_of_its_moment(settings: Settings, table: Table) -> None:
    commit_once(table, [rows("a", "1")], mark("a"))
    first = Pin.of(table)
    commit_once(table, [rows("b", "2")], mark("b"))
    second = Pin.of(table)
    assert first is not None
    assert second is not None
    with connect(settings) as connection:
        assert connection.execute(f"SELECT id FROM {scan(first)}").fetchall() == [("1",)]
        assert connection.execute(f"SELECT id FROM {scan(second)} ORDER BY id").fetchall() == [("1",), ("2",)]
        older = second._replace(snapshot_id=first.snapshot_id)
        assert connection.execute(f"SELECT id FROM {scan(older)}").fetchall() == [("1",)]


def test_a_namespace_is_pinned_without_the_tables_that_hold_nothing(
    catalogue: Catalog, unique: str, table: Table
) -> None:
    empty = ensure_table(catalogue, f"{unique}.empty", SCHEMA)
    done = commit_once(table, [rows("a", "1")], mark("a"))
    pins = pin_tables(catalogue, unique)
    assert {name: (pin.table, pin.snapshot_id) for name, pin in pins.items()} == {
        "orders": (f"{unique}.orders", done.snapshot_id)
    }
    assert Pin.of(empty) is None


def test_a_namespace_that_does_not_exist_has_no_pins(catalogue: Catalog, unique: str) -> None:
    assert pin_tables(catalogue, unique) == {}


def test_a_pin_survives_json() -> None:
    pin = Pin("gold.orders", 2**62, "s3://warehouse/gold/orders/metadata/1.json")
    assert Pin.from_json(pin._asdict()) == pin
