"""What happens around a reader: its clock jumps, its disk is full, others write and it has nothing."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import time_machine

from lake.catalogue import open_catalogue
from lake.errors import DiskFullError, ServiceError
from pipelines.postgres import IcebergBronze, pull
from tests.chaos.reader import clock_off
from tests.pipelines.postgres.conftest import Landed, Source
from tests.pipelines.postgres.test_streaming import following, ids

HELD = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) FROM pg_replication_slots WHERE slot_name = '{}'"
MUCH = "SELECT pg_logical_emit_message(false, 'much', repeat('x', 10000000))"


@pytest.fixture
def stock(source: Source) -> Source:
    """A table in a schema of its own, so that it stands apart from others in the same lake."""
    name = source.settings.postgres_slot
    source.run(
        f"CREATE SCHEMA {name}", f"SET search_path = {name}", "CREATE TABLE stock (id integer PRIMARY KEY, v integer)"
    )
    source.run("INSERT INTO stock VALUES (1, 0)")
    return source


def test_a_clock_that_jumps_changes_nothing_of_the_order(stock: Source) -> None:
    catalogue = open_catalogue(stock.settings)
    bronze = IcebergBronze(catalogue)
    pull(stock.settings, bronze)
    for number, hours in enumerate((-1, 24, 0), start=1):
        stock.run(f"UPDATE stock SET v = {number}")
        with clock_off(hours):
            assert sum(pull(stock.settings, bronze).rows.values()) == 1
    table = catalogue.load_table(f"bronze.pg_{stock.settings.postgres_slot}_stock")
    rows = table.scan().to_arrow().sort_by([("_commit_lsn", "ascending"), ("_ordinal", "ascending")])
    assert rows["v"].to_pylist() == [0, 1, 2, 3]


def test_a_store_that_refuses_us_for_our_clock_is_said_in_a_sentence(stock: Source) -> None:
    catalogue = open_catalogue(stock.settings)
    with time_machine.travel(datetime.now(UTC) - timedelta(hours=1)), pytest.raises(ServiceError, match="request time"):
        pull(stock.settings, IcebergBronze(catalogue))


def test_a_state_folder_without_room_stops_before_a_slot_is_made(stock: Source, landed: Landed, tmp_path: Path) -> None:
    (tmp_path / "slots").write_text("in the way")
    full = stock.settings.model_copy(update={"state_dir": tmp_path})
    with pytest.raises(DiskFullError, match=r"BOATHOUSE_STATE_DIR"):
        landed.load(full)
    name = stock.settings.postgres_slot
    assert stock.rows(f"SELECT FROM pg_replication_slots WHERE slot_name = '{name}'") == []
    (tmp_path / "slots").unlink()
    assert landed.load(full) == 1


def test_an_idle_table_lets_the_server_forget_what_others_write(source: Source, landed: Landed, admin_dsn: str) -> None:
    source.run("CREATE TABLE a (id integer PRIMARY KEY)", "INSERT INTO a VALUES (1)")
    held = HELD.format(source.settings.postgres_slot)
    with following(source, landed) as found, psycopg.connect(admin_dsn, autocommit=True) as elsewhere:
        found.until(lambda: ids(landed) == [1])
        for _ in range(4):
            source.run(MUCH)
            elsewhere.execute(MUCH.encode())

        def forgotten() -> bool:
            # As a server in use does, it writes on: a slot moves only behind a snapshot that was confirmed.
            elsewhere.execute(MUCH.encode())
            source.run("SELECT pg_log_standby_snapshot()")
            return bool(source.rows(held)[0][0] < 64 * 2**20)

        found.until(forgotten)
    assert ids(landed) == [1]


def test_a_comment_comes_with_a_column_that_a_change_brings(stock: Source) -> None:
    catalogue = open_catalogue(stock.settings)
    bronze = IcebergBronze(catalogue)
    pull(stock.settings, bronze)
    stock.run("ALTER TABLE stock ADD doc jsonb", "INSERT INTO stock VALUES (2, 0, '{}')")
    pull(stock.settings, bronze)
    schema = catalogue.load_table(f"bronze.pg_{stock.settings.postgres_slot}_stock").schema()
    assert schema.find_field("doc").doc == "Postgres jsonb, as its text"
