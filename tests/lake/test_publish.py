import pyarrow as pa
import pytest
from pyiceberg.catalog import Catalog

from lake import failpoints
from lake.errors import BoathouseError
from lake.publish import Published, content_hash, publish
from lake.readers import connect, scan
from lake.settings import Settings

ORDERS = pa.table({"order_id": ["1", "2"], "units": pa.array([1, 2], pa.int64())})


def read(settings: Settings, published: Published, name: str) -> list[dict[str, object]]:
    """Read a published table as DuckDB sees its pin."""
    with connect(settings) as connection:
        rows: list[dict[str, object]] = (
            connection.execute(f"FROM {scan(published.pins[name])}").to_arrow_table().to_pylist()
        )
    return sorted(rows, key=str)


def test_a_table_that_has_not_changed_keeps_its_snapshot(catalogue: Catalog, unique: str) -> None:
    first = publish(catalogue, [(unique, ORDERS)])
    again = publish(catalogue, [(unique, ORDERS.take([1, 0]))])
    assert (first.changed, again.changed) == ((unique,), ())
    assert again.pins == first.pins
    assert again.content == first.content


def test_changed_rows_replace_all_rows(settings: Settings, catalogue: Catalog, unique: str) -> None:
    first = publish(catalogue, [(unique, ORDERS)])
    second = publish(catalogue, [(unique, ORDERS.slice(1))])
    assert second.changed == (unique,)
    assert second.content != first.content
    assert read(settings, second, unique) == [{"order_id": "2", "units": 2}]
    assert read(settings, first, unique) == ORDERS.to_pylist()


def test_a_table_may_return_to_what_it_once_was(settings: Settings, catalogue: Catalog, unique: str) -> None:
    for rows in (ORDERS, ORDERS.slice(1), ORDERS):
        last = publish(catalogue, [(unique, rows)])
    assert last.changed == (unique,)
    assert read(settings, last, unique) == ORDERS.to_pylist()


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param(ORDERS.append_column("note", pa.array(["x", None])), id="added"),
        pytest.param(ORDERS.select(["order_id"]), id="dropped"),
        pytest.param(pa.table({"order_id": ["1", "2"], "units": ["one", "two"]}), id="type"),
        pytest.param(pa.table({"order_id": ["1", "2"], "pieces": [1, 2]}), id="renamed"),
    ],
)
def test_a_table_takes_the_columns_of_its_rows(
    settings: Settings, catalogue: Catalog, unique: str, rows: pa.Table
) -> None:
    first = publish(catalogue, [(unique, ORDERS)])
    assert read(settings, publish(catalogue, [(unique, rows)]), unique) == rows.to_pylist()
    assert read(settings, first, unique) == ORDERS.to_pylist()
    assert read(settings, publish(catalogue, [(unique, ORDERS)]), unique) == ORDERS.to_pylist()


def test_columns_change_in_the_commit_of_the_rows_or_not_at_all(
    settings: Settings, catalogue: Catalog, unique: str
) -> None:
    first = publish(catalogue, [(unique, ORDERS)])
    failpoints.arm("commit.before:1:error")
    with pytest.raises(BoathouseError):
        publish(catalogue, [(unique, ORDERS.select(["order_id"]))])
    again = publish(catalogue, [(unique, ORDERS)])
    assert (again.changed, again.pins) == ((), first.pins)
    assert read(settings, again, unique) == ORDERS.to_pylist()


def test_a_table_without_rows_can_be_read_too(settings: Settings, catalogue: Catalog, unique: str) -> None:
    empty = publish(catalogue, [(unique, ORDERS.slice(2))])
    assert read(settings, empty, unique) == []
    assert publish(catalogue, [(unique, ORDERS.slice(2))]).changed == ()
    publish(catalogue, [(unique, ORDERS)])
    assert read(settings, publish(catalogue, [(unique, ORDERS.slice(2))]), unique) == []


def test_content_depends_on_values_names_and_types_but_not_on_order() -> None:
    def of(**columns: object) -> str:
        return content_hash(pa.table(columns))

    one = of(a=["1", None], b=["x", "y"])
    assert of(a=[None, "1"], b=["y", "x"]) == one
    others = [
        of(a=["1", "NULL"], b=["x", "y"]),
        of(a=["1", ""], b=["x", "y"]),
        of(a=["1", None], c=["x", "y"]),
        of(a=[1, None], b=["x", "y"]),
        of(a=["1", None], b=["y", "x"]),
        of(a=["1", None, None], b=["x", "y", "y"]),
        of(a=["1', 'b': x", None], b=["", "y"]),
    ]
    assert len({one, *others}) == len(others) + 1
