from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr
from pyiceberg.catalog import Catalog

from lake.catalogue import ensure_namespaces, find_table, open_catalogue
from lake.errors import SourceError
from lake.proofs import prove
from pipelines.postgres import Counted, IcebergBronze, names_followed, pull, resync
from pipelines.postgres.preflight import inspect
from pipelines.postgres.resync import drop, forget
from pipelines.postgres.servers import SERVER, read_cursor
from pipelines.postgres.status import check_held, describe, read_status
from tests.pipelines.postgres.conftest import Source
from tests.streams.conftest import make_warehouse


class Lake:
    """A lake that follows a database with two tables."""

    def __init__(self, source: Source, name: str) -> None:
        make_warehouse(source.settings, name)
        self.settings = source.settings.model_copy(update={"catalog_warehouse": f"s3://{name}/"})
        self.catalogue: Catalog = open_catalogue(self.settings)
        ensure_namespaces(self.catalogue)

    def pull(self, **settings: Any) -> Counted:
        return pull(self.settings.model_copy(update=settings), IcebergBronze(self.catalogue))

    def rows(self, table: str) -> list[dict[str, Any]]:
        found = find_table(self.catalogue, f"bronze.pg_public_{table}")
        assert found is not None
        order = [("_commit_lsn", "ascending"), ("_ordinal", "ascending")]
        return list(found.scan().to_arrow().sort_by(order).to_pylist())

    def now(self, table: str) -> dict[Any, Any]:
        """Fold a table to pieces by sku, as silver does."""
        state: dict[Any, Any] = {}
        for row in self.rows(table):
            if row["_op"] == "t":
                state.clear()
            elif row["_op"] == "d":
                state.pop(row["sku"])
            else:
                state[row["sku"]] = row["pieces"]
        return state


@pytest.fixture
def shop(source: Source) -> Source:
    for table in ("stock", "shelf"):
        source.run(f"CREATE TABLE {table} (sku text PRIMARY KEY, pieces integer)")
        source.run(f"INSERT INTO {table} VALUES ('a', 1), ('b', 2)")
    return source


@pytest.fixture
def lake(shop: Source) -> Lake:
    found = Lake(shop, f"lake-{uuid4().hex[:12]}")
    assert found.pull().rows == {"pg_public_shelf": 2, "pg_public_stock": 2}
    return found


@pytest.fixture
def keeping_little(source: Source) -> Iterator[None]:
    source.run("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'", "SELECT pg_reload_conf()")
    yield
    source.run("ALTER SYSTEM RESET max_slot_wal_keep_size", "SELECT pg_reload_conf()")


def test_a_table_copied_anew_has_no_row_that_went_meanwhile(shop: Source, lake: Lake) -> None:
    assert forget(lake.settings, lake.catalogue, ["public.stock"]) == ["public.stock"]
    shop.run("DELETE FROM stock WHERE sku = 'a'", "UPDATE shelf SET pieces = 9 WHERE sku = 'a'")
    assert lake.pull().rows == {"pg_public_shelf": 1, "pg_public_stock": 2}
    assert [row["_op"] for row in lake.rows("stock")] == ["r", "r", "t", "r"]
    assert (lake.now("stock"), lake.now("shelf")) == ({"b": 2}, {"a": 9, "b": 2})
    shop.run("INSERT INTO stock VALUES ('c', 3)")
    lake.pull()
    assert lake.now("stock") == {"b": 2, "c": 3}
    assert all(proof.agrees for proof in prove(lake.settings, lake.catalogue))


def test_another_lake_does_not_take_the_slot(shop: Source, lake: Lake) -> None:
    other = Lake(shop, f"lake-{uuid4().hex[:12]}")
    with pytest.raises(SourceError, match=r"wasn't made by this lake.*BOATHOUSE_POSTGRES_SLOT"):
        other.pull()
    shop.run("INSERT INTO stock VALUES ('c', 3)")
    assert lake.pull().rows == {"pg_public_stock": 1}


def test_a_table_taken_out_of_the_publication_stops_and_the_other_goes_on(shop: Source, lake: Lake) -> None:
    name = shop.settings.postgres_publication
    shop.run(f"ALTER PUBLICATION {name} DROP TABLE stock")
    shop.run("INSERT INTO stock VALUES ('c', 3)", "INSERT INTO shelf VALUES ('c', 3)")
    found = lake.pull()
    assert found.rows == {"pg_public_shelf": 1}
    assert found.stopped == {"public.stock": f"it was taken out of the publication '{name}'"}
    assert lake.pull().stopped == found.stopped
    forget(lake.settings, lake.catalogue, ["public.stock"])
    assert (lake.pull().stopped, lake.now("stock")) == ({}, {"a": 1, "b": 2, "c": 3})


def test_a_table_that_was_left_out_for_a_while_is_not_gone_on_with(shop: Source, lake: Lake) -> None:
    lake.pull(postgres_tables=["public.shelf"])
    shop.run("INSERT INTO stock VALUES ('c', 3)")
    lake.pull(postgres_tables=["public.shelf"])
    assert "left out of BOATHOUSE_POSTGRES_TABLES" in lake.pull().stopped["public.stock"]


def test_a_publication_that_is_gone_is_said(shop: Source, lake: Lake) -> None:
    shop.run(f"DROP PUBLICATION {shop.settings.postgres_publication}")
    with pytest.raises(SourceError, match=r"publication '\w+' is gone.*resync --all"):
        lake.pull()


def test_another_server_in_the_place_of_the_one_that_was_read_is_noticed(lake: Lake) -> None:
    table = lake.catalogue.load_table("bronze.pg_public_stock")
    with table.transaction() as change:
        change.set_properties({SERVER: table.properties[SERVER].replace('"system": "', '"system": "9')})
    with pytest.raises(SourceError, match=r"bronze\.pg_public_stock was read from another server.*resync --all"):
        lake.pull()


def test_a_table_of_a_server_that_was_further_is_set_aside(
    lake: Lake, shop: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resync, "current_lsn", lambda _: 1)
    forget(lake.settings, lake.catalogue, ["public.stock"])
    kept = [name[-1] for name in lake.catalogue.list_tables("bronze") if "pg_public_stock__until_" in name[-1]]
    aside = lake.catalogue.load_table(f"bronze.{kept[0]}")
    assert (aside.scan().to_arrow().num_rows, read_cursor(aside)) == (2, None)
    lake.pull()
    assert [row["_op"] for row in lake.rows("stock")] == ["r", "r"]


def test_a_slot_that_the_server_gave_up_says_why(shop: Source, lake: Lake, keeping_little: None) -> None:
    for _ in range(3):
        shop.run("INSERT INTO stock SELECT gen_random_uuid(), 1 FROM generate_series(1, 10)", "SELECT pg_switch_wal()")
    shop.run("CHECKPOINT")
    with pytest.raises(SourceError, match=r"is lost: .*max_slot_wal_keep_size; .*resync --all"):
        lake.pull()
    forget(lake.settings, lake.catalogue, [])
    lake.pull()
    assert len(lake.now("stock")) == 32


def test_the_slot_follows_a_failover_unless_it_shall_not(shop: Source, lake: Lake) -> None:
    query = f"SELECT failover FROM pg_replication_slots WHERE slot_name = '{shop.settings.postgres_slot}'"
    assert shop.rows(query) == [(True,)]
    forget(lake.settings, lake.catalogue, [])
    lake.pull(postgres_failover=False)
    assert shop.rows(query) == [(False,)]


def test_status_tells_how_far_each_table_is_and_why_one_stopped(shop: Source, lake: Lake) -> None:
    slot, tables = read_status(lake.settings, lake.catalogue)
    assert (slot.wal_status, slot.safe_bytes, slot.failover) == ("reserved", None, True)
    before = {one.table: one.lag_bytes for one in tables}
    shop.run(f"ALTER PUBLICATION {shop.settings.postgres_publication} DROP TABLE stock")
    shop.run("CREATE TABLE newer (id integer PRIMARY KEY)")
    slot, tables = read_status(lake.settings, lake.catalogue)
    told = {one.table: one for one in tables}
    assert (told["public.stock"].lag_bytes or 0) > (before["public.stock"] or 0)
    assert told["public.newer"].lag_bytes is None
    lake.pull()
    slot, tables = read_status(lake.settings, lake.catalogue)
    rows = {row["table"]: row for row in describe(slot, tables)["tables"]}  # type: ignore[attr-defined]
    assert "taken out of the publication" in rows["public.stock"]["stopped"]
    assert rows["public.shelf"]["last_commit"] is not None


def test_a_reader_that_is_away_is_noticed_by_the_log_that_is_held_for_it(shop: Source, lake: Lake) -> None:
    check_held(read_status(lake.settings, lake.catalogue)[0], 16)
    for _ in range(2):
        shop.run("SELECT pg_logical_emit_message(true, 'much', repeat('x', 10000000))")
    with pytest.raises(SourceError, match=r"holds \d+ MiB of log for the slot .*16 MiB may be held"):
        check_held(read_status(lake.settings, lake.catalogue)[0], 16)


def test_tables_that_nobody_asked_for_do_not_keep_others_from_being_followed(shop: Source, lake: Lake) -> None:
    for table in ("a b", "a-b", "Stock", "more"):
        shop.run(f'CREATE TABLE "{table}" (id integer PRIMARY KEY)')
    asked = lake.settings.model_copy(update={"postgres_tables": ["public.stock", "public.more"]})
    assert names_followed(asked, lake.catalogue) == ["public.shelf", "public.stock", *asked.postgres_tables]


def test_drop_leaves_neither_slot_nor_publication(shop: Source, lake: Lake) -> None:
    assert len(drop(lake.settings)) == 2
    assert shop.rows(f"SELECT FROM pg_publication WHERE pubname = '{shop.settings.postgres_publication}'") == []
    assert drop(lake.settings) == []


def test_the_lines_that_the_check_gives_mend_everything(shop: Source) -> None:
    role = f"the-reader {shop.settings.postgres_slot}"
    shop.run(
        'CREATE SCHEMA "my ""shop"""',
        'CREATE TABLE "my ""shop"""."Order" (id integer PRIMARY KEY)',
        "CREATE TABLE log (line text)",
        "ALTER TABLE stock ADD price numeric",
        "ALTER TABLE shelf ENABLE ROW LEVEL SECURITY",
        f"CREATE ROLE \"{role}\" LOGIN PASSWORD 'pw'",
    )
    assert shop.settings.postgres_dsn is not None
    dsn = make_conninfo(shop.settings.postgres_dsn.get_secret_value(), user=role, password="pw")
    plain = shop.settings.model_copy(update={"postgres_dsn": SecretStr(dsn), "postgres_publication": "order"})
    try:
        tables, found = inspect(plain)
        said = " ".join(one.said for one in found)
        assert [str(table) for table in tables] == ['my "shop".Order', "public.shelf", "public.stock"]
        for word in ("may not replicate", "may not read public.stock", "Row security", "isn't there", "no limit"):
            assert word in said
        assert "price (numeric)" in said
        assert "public.log isn't followed: it has no key" in said
        with pytest.raises(psycopg.errors.InsufficientPrivilege), psycopg.connect(dsn) as connection:
            connection.execute("SELECT * FROM stock")
        for one in found:
            if one.must and one.sql:
                shop.run(one.sql)
        assert [one.said for one in inspect(plain)[1] if one.must] == []
        shop.run("ALTER PUBLICATION \"order\" SET (publish = 'insert')")
        shop.run('ALTER PUBLICATION "order" DROP TABLE stock')
        for one in inspect(plain)[1]:
            if one.must and one.sql:
                shop.run(one.sql)
        assert [one.said for one in inspect(plain)[1] if one.must] == []
    finally:
        shop.run(f'DROP OWNED BY "{role}"', f'DROP ROLE "{role}"')


def test_a_publication_made_anew_has_its_tables_copied(shop: Source, lake: Lake) -> None:
    name = lake.settings.postgres_publication
    shop.run(f"DROP PUBLICATION {name}", "INSERT INTO stock VALUES ('c', 3)", "DELETE FROM stock WHERE sku = 'a'")
    shop.run(f"CREATE PUBLICATION {name} FOR TABLE stock, shelf", "INSERT INTO stock VALUES ('d', 4)")
    lake.pull()
    assert lake.now("stock") == {"b": 2, "c": 3, "d": 4}
    shop.run("INSERT INTO stock VALUES ('e', 5)")
    assert lake.pull().rows == {"pg_public_stock": 1}


def test_two_tables_that_swap_their_names_are_not_mixed(shop: Source, lake: Lake) -> None:
    shop.transaction(
        "CREATE TABLE made (sku text PRIMARY KEY, pieces integer)",
        "INSERT INTO made VALUES ('b', 7), ('n', 8)",
        "ALTER TABLE stock RENAME TO old",
        "ALTER TABLE made RENAME TO stock",
    )
    shop.run("INSERT INTO stock VALUES ('z', 9)")
    lake.pull()
    assert lake.now("stock") == {"b": 7, "n": 8, "z": 9}


def test_a_table_with_another_key_stops_and_no_other(shop: Source, lake: Lake) -> None:
    shop.run("ALTER TABLE stock ADD note text NOT NULL UNIQUE DEFAULT gen_random_uuid()::text")
    lake.pull()
    shop.run("ALTER TABLE stock REPLICA IDENTITY USING INDEX stock_note_key", "DELETE FROM stock WHERE sku = 'a'")
    shop.run("INSERT INTO shelf VALUES ('c', 3)")
    assert lake.pull().stopped == {"public.stock": "its key was (sku) and is (note)"}
    assert lake.now("shelf") == {"a": 1, "b": 2, "c": 3}


@pytest.mark.parametrize("column", ['"PIECES"', "_op"])
def test_a_column_that_finds_no_room_stops_its_table_and_no_other(shop: Source, lake: Lake, column: str) -> None:
    shop.run(f"ALTER TABLE stock ADD {column} integer", "INSERT INTO shelf VALUES ('c', 3)")
    shop.run(f"CREATE TABLE late (sku text PRIMARY KEY, pieces integer, {column} integer)")
    for _ in range(2):
        stopped = lake.pull().stopped
        assert stopped.keys() == {"public.stock", "public.late"}
        assert column.strip('"') in stopped["public.stock"]
    assert lake.now("shelf") == {"a": 1, "b": 2, "c": 3}
    assert {one.said.split(";")[0] for one in inspect(lake.settings)[1] if column.strip('"') in one.said}
    shop.run(f"ALTER TABLE stock DROP {column}", "INSERT INTO stock VALUES ('c', 3)", "DROP TABLE late")
    assert lake.pull().stopped.keys() == {"public.stock"}
    forget(lake.settings, lake.catalogue, ["public.stock"])
    assert lake.pull().stopped == {}
    assert lake.now("stock") == {"a": 1, "b": 2, "c": 3}
