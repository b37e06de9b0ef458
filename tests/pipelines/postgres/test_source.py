"""The changes as a dlt source, into a DuckDB file: nothing lost, doubled or wrong whatever became of a load package."""

import shutil
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed
from dlt.pipeline.helpers import pipeline_drop

from pipelines.postgres import peeking
from pipelines.postgres.api import lsn_to_int
from pipelines.postgres.source import postgres_changes
from tests.pipelines.postgres.conftest import Source

STOCK = "pg_public_stock"


class Shop:
    """A database with two tables, and a dlt pipeline that brings its changes into a DuckDB file."""

    def __init__(self, source: Source, folder: Path) -> None:
        self.source, self.folder, self.working = source, folder, folder / "working"

    def pipeline(self) -> Any:
        return dlt.pipeline(
            pipeline_name="changes",
            pipelines_dir=str(self.working),
            destination=dlt.destinations.duckdb(str(self.folder / "lake.duckdb")),
            dataset_name="shop",
        )

    def changes(self) -> Any:
        settings = self.source.settings
        assert settings.postgres_dsn is not None
        name = settings.postgres_slot
        return postgres_changes(settings.postgres_dsn.get_secret_value(), slot=name, publication=name)

    def run(self) -> None:
        self.pipeline().run(self.changes())

    def rows(self, table: str = STOCK, columns: str = "_op, sku, pieces") -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.folder / "lake.duckdb"), read_only=True) as connection:
            return connection.execute(f"SELECT {columns} FROM shop.{table} ORDER BY _commit_lsn, _ordinal").fetchall()


@pytest.fixture
def shop(source: Source, tmp_path: Path) -> Shop:
    source.run(
        "CREATE TABLE stock (sku text PRIMARY KEY, pieces integer, price numeric(6, 2), note text, seen timestamptz)",
        "ALTER TABLE stock ALTER note SET STORAGE EXTERNAL",
        "INSERT INTO stock VALUES ('a', 1, 1.50, repeat('long ', 2000), 'infinity'), ('b', 2, NULL, 'short', now())",
        "CREATE TABLE shelf (id integer PRIMARY KEY)",
        "INSERT INTO shelf VALUES (7)",
    )
    found = Shop(source, tmp_path)
    found.run()
    return found


def test_a_copy_and_then_the_changes_land_and_the_slot_is_confirmed_a_run_later(shop: Shop) -> None:
    assert shop.rows() == [("t", None, None), ("r", "a", 1), ("r", "b", 2)]
    assert shop.rows("pg_public_shelf", "_op, id") == [("t", None), ("r", 7)]
    confirmed = shop.source.confirmed
    shop.source.run("UPDATE stock SET pieces = 3 WHERE sku = 'a'", "DELETE FROM stock WHERE sku = 'b'")
    shop.source.run("TRUNCATE shelf")
    shop.run()
    assert shop.rows()[3:] == [("u", "a", 3), ("d", "b", None)]
    assert shop.rows(columns="_unchanged, note, price")[3] == ('["note"]', None, 1.5)
    assert shop.rows(columns="seen, seen__text")[1] == (None, "infinity")
    assert shop.rows("pg_public_shelf", "_op, id")[2:] == [("t", None)]
    assert shop.source.confirmed == confirmed
    shop.run()
    assert lsn_to_int(shop.source.confirmed) > lsn_to_int(confirmed)
    assert (len(shop.rows()), len(shop.rows("pg_public_shelf", "_op"))) == (5, 3)


def test_a_load_that_died_before_dlt_knew_that_it_was_done_doubles_nothing(shop: Shop) -> None:
    shop.source.run("INSERT INTO stock VALUES ('c', 3)")
    pipeline = shop.pipeline()
    pipeline.extract(shop.changes())
    pipeline.normalize()
    shutil.copytree(shop.working, shop.folder / "before")
    pipeline.load()
    shutil.rmtree(shop.working)
    (shop.folder / "before").rename(shop.working)
    shop.pipeline().load()
    shop.run()
    assert shop.rows()[3:] == [("c", "c", 3)]


def test_a_package_that_is_gone_and_then_the_whole_folder_lose_nothing(shop: Shop) -> None:
    shop.source.run("INSERT INTO stock VALUES ('c', 3)")
    shop.pipeline().extract(shop.changes())
    # The state on this machine is ahead now.
    for package in (shop.working / "changes" / "normalize" / "extracted").iterdir():
        shutil.rmtree(package)
    shop.source.run("INSERT INTO stock VALUES ('d', 4)")
    shop.run()
    assert shop.rows()[3:] == [("c", "c", 3), ("c", "d", 4)]
    shop.pipeline().extract(shop.changes())
    shutil.rmtree(shop.working)
    shop.source.run("INSERT INTO stock VALUES ('e', 5)")
    shop.run()
    assert shop.rows()[5:] == [("c", "e", 5)]


def test_what_is_much_is_read_in_parts_and_what_a_run_leaves_comes_with_the_next(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peeking, "CHUNK_MESSAGES", 4)
    for number in range(1, 6):
        shop.source.run(f"INSERT INTO shelf VALUES ({number})")
    shop.run()
    assert shop.rows("pg_public_shelf", "id")[2:] == [(1,)]
    monkeypatch.setattr(peeking, "AHEAD_BYTES", 0)
    shop.run()
    assert shop.rows("pg_public_shelf", "id")[2:] == [(1,), (2,), (3,), (4,), (5,)]


def test_columns_widen_and_come_and_another_type_stops_one_table_until_dlt_drops_it(shop: Shop) -> None:
    shop.source.run(
        "ALTER TABLE stock ALTER pieces TYPE bigint, ALTER price TYPE numeric(12, 2), ADD shelf integer",
        "INSERT INTO stock VALUES ('c', 5000000000, 1234567890.25, NULL, NULL, 9)",
    )
    shop.run()
    assert shop.rows(columns="pieces, price, shelf")[-1] == (5_000_000_000, 1234567890.25, 9)
    shop.source.run("ALTER TABLE stock ALTER pieces TYPE text", "INSERT INTO stock VALUES ('d', 'many')")
    shop.source.run("INSERT INTO shelf VALUES (8)")
    before = shop.rows()
    shop.run()
    assert shop.rows() == before
    assert shop.rows("pg_public_shelf", "_op, id")[2:] == [("c", 8)]
    pipeline_drop(shop.pipeline(), resources=[STOCK])()
    shop.run()
    assert [row[2] for row in shop.rows()[-4:]] == ["1", "2", "5000000000", "many"]


def test_a_table_that_was_left_out_for_a_run_is_copied_anew(shop: Shop) -> None:
    shop.pipeline().run(shop.changes().with_resources("pg_public_shelf"))
    shop.source.run("DELETE FROM stock WHERE sku = 'a'", "INSERT INTO shelf VALUES (8)")
    shop.pipeline().run(shop.changes().with_resources("pg_public_shelf"))
    shop.run()
    assert shop.rows()[3:] == [("t", None, None), ("r", "b", 2)]
    assert shop.rows("pg_public_shelf", "_op, id")[2:] == [("c", 8)]


def test_a_pipeline_that_loads_something_else_too_is_refused(shop: Shop, tmp_path: Path) -> None:
    other = dlt.pipeline(
        pipeline_name="both",
        pipelines_dir=str(tmp_path / "both"),
        destination=dlt.destinations.duckdb(str(tmp_path / "both.duckdb")),
    )
    other.run([{"id": 1}], table_name="something")
    with pytest.raises(PipelineStepFailed, match="a pipeline of its own"):
        other.run(shop.changes())
