"""Both gateways hold the same, and the comparison would see it if they didn't."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from lake.environments import apply
from lake.equality import compare, differences_of, profile
from lake.pins import Pin
from lake.settings import Settings
from lake.snowflake import connected

pytestmark = pytest.mark.filterwarnings("ignore:`json_encoders` is deprecated")  # SQLMesh, when it is imported
FAMILIES = {"name": "text", "amount": "decimal(2)", "at": "timestamp"}


def table(*rows: tuple[str | None, str, int | None]) -> pa.Table:
    return pa.table(
        {
            "name": [name for name, _, _ in rows],
            "amount": [Decimal(amount) for _, amount, _ in rows],
            "at": [None if day is None else datetime(2026, 1, day) for _, _, day in rows],
        }
    )


def reasons(ours: pa.Table, theirs: pa.Table, families: dict[str, str] = FAMILIES) -> list[tuple[str, str]]:
    found = differences_of("m", profile(ours, FAMILIES), profile(theirs, families))
    return [(one.column, one.reason) for one in found]


def test_every_model_is_equal_on_both_gateways(fresh: Settings, project: Path, pins: dict[str, Pin]) -> None:
    apply(fresh, "prod", "duckdb", project, pins)
    apply(fresh, "prod", "snowflake", project)
    with connected(fresh) as connection:
        found = compare(fresh, connection)
    assert found.differences == ()
    assert (found.equal_models, found.equal_columns) == (found.models, found.columns)
    assert found.models > 20


def test_the_order_of_rows_does_not_count() -> None:
    first, second = ("a", "1.00", 1), (None, "2.00", None)
    assert reasons(table(first, second), table(second, first)) == []


def test_the_scale_that_a_decimal_arrives_with_does_not_count() -> None:
    assert reasons(table(("a", "1.00", 1)), table(("a", "1.0000", 1))) == []


def test_another_value_another_null_and_another_type_are_each_told() -> None:
    ours = table(("a", "1.00", 1), ("b", "2.00", 2))
    assert reasons(ours, table(("a", "1.00", 1), ("b", "2.01", 2))) == [("amount", "other values")]
    assert reasons(ours, table(("a", "1.00", 1), (None, "2.00", 2)))[0] == (
        "name",
        "0 NULLs in DuckDB, 1 in Snowflake",
    )
    assert reasons(ours, ours, FAMILIES | {"amount": "float"})[0] == (
        "amount",
        "decimal(2) in DuckDB, float in Snowflake",
    )


def test_equal_columns_in_other_rows_are_told() -> None:
    ours, theirs = table(("a", "1.00", 1), ("b", "2.00", 2)), table(("b", "1.00", 1), ("a", "2.00", 2))
    assert reasons(ours, theirs) == [("*", "each column is equal, but the rows pair them otherwise")]


def test_a_missing_row_is_told() -> None:
    ours = table(("a", "1.00", 1), ("b", "2.00", 2))
    assert ("*", "2 rows in DuckDB, 1 in Snowflake") in reasons(ours, table(("a", "1.00", 1)))
