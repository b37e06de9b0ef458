import struct
from collections.abc import Callable, Iterable
from threading import Event, Thread
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from lake import failpoints
from lake.commits import Mark
from lake.errors import BoathouseError, CommitError
from pipelines.postgres.api import connect
from pipelines.postgres.changes import ChangeReader
from pipelines.postgres.frames import Run
from pipelines.postgres.kinds import Kinds
from pipelines.postgres.shapes import Followed
from pipelines.postgres.tables import SourceTable
from tests.pipelines.postgres.conftest import Landed, Source

Read = Callable[[], list[tuple[Any, ...]]]


def test_insert_update_and_delete_come_in_the_order_they_happened(source: Source, stock: Read) -> None:
    source.run("INSERT INTO stock VALUES ('c', 3)", "UPDATE stock SET on_hand = 4 WHERE sku = 'c'")
    source.run("DELETE FROM stock WHERE sku = 'c'")
    assert stock() == [("c", "c", 3), ("u", "c", 4), ("d", "c", None)]


def test_a_second_load_adds_nothing(source: Source, landed: Landed, stock: Read) -> None:
    source.run("INSERT INTO stock VALUES ('c', 3)")
    assert landed.load() == 1
    assert landed.load() == 0


def test_a_load_whose_commit_was_not_confirmed_is_not_read_twice(source: Source, landed: Landed, stock: Read) -> None:
    source.run("INSERT INTO stock VALUES ('c', 3)")
    failpoints.arm("postgres.before_advance:1:error")
    try:
        with pytest.raises(BoathouseError, match=r"postgres\.before_advance"):
            landed.load()
    finally:
        failpoints.arm("")
    assert len(landed.tables["pg_public_stock"]) == 1
    assert landed.load() == 0


def test_a_new_key_is_the_old_row_deleted_and_the_new_one_created(source: Source, stock: Read) -> None:
    source.run("UPDATE stock SET sku = 'z' WHERE sku = 'a'")
    assert stock() == [("d", "a", None), ("c", "z", 1)]


def test_a_truncate_is_one_row_without_values(source: Source, stock: Read) -> None:
    source.transaction("TRUNCATE stock", "INSERT INTO stock VALUES ('a', 9)")
    assert stock() == [("t", None, None), ("c", "a", 9)]


def test_an_unchanged_long_value_is_named_and_not_sent(source: Source, landed: Landed, stock: Read) -> None:
    source.run("UPDATE stock SET on_hand = 7 WHERE sku = 'b'")
    assert stock() == [("u", "b", 7)]
    (row,) = landed.tables["pg_public_stock"]
    assert (row["note"], row["_unchanged"]) == (None, ["note"])


def test_an_unchanged_long_value_is_taken_from_the_old_row_when_that_is_sent_whole(
    source: Source, landed: Landed, stock: Read
) -> None:
    source.run("ALTER TABLE stock REPLICA IDENTITY FULL", "UPDATE stock SET on_hand = 7 WHERE sku = 'b'")
    stock()
    (row,) = landed.tables["pg_public_stock"]
    assert (row["note"], row["_unchanged"]) == ("long " * 2000, [])


def test_what_is_rolled_back_never_comes(source: Source, stock: Read) -> None:
    source.run("BEGIN", "INSERT INTO stock VALUES ('c', 3)", "SAVEPOINT s", "INSERT INTO stock VALUES ('d', 4)")
    source.run("ROLLBACK TO s", "COMMIT", "BEGIN", "DELETE FROM stock", "ROLLBACK")
    assert stock() == [("c", "c", 3)]


def test_rows_of_one_transaction_are_numbered_and_share_its_position(
    source: Source, landed: Landed, stock: Read
) -> None:
    source.transaction("INSERT INTO stock VALUES ('c', 3), ('d', 4)", "DELETE FROM stock WHERE sku = 'c'")
    stock()
    rows = landed.tables["pg_public_stock"]
    assert [row["_ordinal"] for row in rows] == [0, 1, 2]
    assert len({(row["_commit_lsn"], row["_commit_at"], row["_xid"]) for row in rows}) == 1


def test_a_column_added_between_two_rows_is_null_in_the_older_one(source: Source, landed: Landed, stock: Read) -> None:
    source.run("INSERT INTO stock VALUES ('c', 3)", "ALTER TABLE stock ADD shelf integer")
    source.run("INSERT INTO stock VALUES ('d', 4, NULL, 5)")
    stock()
    rows = landed.tables["pg_public_stock"]
    assert [(row["sku"], row["shelf"]) for row in rows] == [("c", None), ("d", 5)]
    assert list(rows[0])[-7:] == ["_op", "_commit_lsn", "_ordinal", "_commit_at", "_xid", "_unchanged", "_load_id"]


def test_a_widened_integer_is_widened_for_the_whole_load(source: Source, landed: Landed, stock: Read) -> None:
    source.run("UPDATE stock SET on_hand = 3 WHERE sku = 'a'", "ALTER TABLE stock ALTER on_hand TYPE bigint")
    source.run("UPDATE stock SET on_hand = 3000000000 WHERE sku = 'a'")
    landed.load()
    rows = landed.tables["pg_public_stock"]
    assert [(row["_op"], row["on_hand"]) for row in rows[:2]] == [("u", 3), ("u", 3_000_000_000)]
    # Its rows were rewritten, by what nobody tells, and so the table is copied.
    assert [row["_op"] for row in rows[2:]] == ["t", "r", "r"]


def test_a_type_that_cannot_widen_stops_with_the_table_and_the_column(
    source: Source, landed: Landed, stock: Read
) -> None:
    source.run("UPDATE stock SET on_hand = 3 WHERE sku = 'a'", "ALTER TABLE stock ALTER on_hand TYPE text")
    source.run("UPDATE stock SET on_hand = 'many' WHERE sku = 'a'")
    assert stock() == [("u", "a", 3)]
    assert "column on_hand changed its type from int32 to string" in landed.stopped["public.stock"]


def test_logical_messages_and_tables_that_are_not_followed_are_passed_over(
    source: Source, landed: Landed, stock: Read
) -> None:
    source.run("CREATE TABLE other (id integer PRIMARY KEY)", "INSERT INTO other VALUES (1)")
    source.run("SELECT pg_logical_emit_message(true, 'us', 'hello')", "INSERT INTO stock VALUES ('c', 3)")
    only_stock = source.settings.model_copy(update={"postgres_tables": ["public.stock"]})
    assert landed.load(only_stock) == 1


def test_a_table_added_later_is_copied_while_the_others_go_on(source: Source, landed: Landed, stock: Read) -> None:
    source.run("CREATE TABLE late (id integer PRIMARY KEY)", "INSERT INTO late VALUES (1)")
    source.run("INSERT INTO stock VALUES ('c', 3)")
    assert stock() == [("c", "c", 3)]
    source.run("INSERT INTO late VALUES (2)")
    assert stock() == [("c", "c", 3)]
    assert [(row["_op"], row["id"]) for row in landed.tables["pg_public_late"]] == [("r", 1), ("c", 2)]


def test_the_slot_is_confirmed_only_when_every_table_of_the_load_is_durable(
    source: Source, landed: Landed, stock: Read
) -> None:
    source.run("CREATE TABLE late (id integer PRIMARY KEY)")
    landed.load()
    source.run("INSERT INTO late VALUES (1)", "INSERT INTO stock VALUES ('c', 3)")
    before = source.confirmed
    landed.refuses = {"pg_public_stock"}
    with pytest.raises(CommitError):
        landed.load()
    landed.refuses = set()
    assert source.confirmed == before
    assert stock() == [("c", "c", 3)]
    assert source.confirmed != before
    assert [row["id"] for row in landed.tables["pg_public_late"]] == [1]


def test_an_idle_table_holds_no_more_than_a_little_log(source: Source, landed: Landed, stock: Read) -> None:
    before = source.confirmed
    source.run("SELECT pg_logical_emit_message(true, 'us', 'little')")
    assert stock() == []
    assert source.confirmed == before
    source.run("SELECT pg_logical_emit_message(true, 'us', repeat('much', 5000000))")
    assert stock() == []
    assert source.confirmed != before
    source.run("INSERT INTO stock VALUES ('c', 3)")
    assert stock() == [("c", "c", 3)]


def test_nothing_is_lost_or_doubled_between_snapshot_and_changes(
    source: Source, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.run("CREATE TABLE a (id integer PRIMARY KEY, v integer)", "INSERT INTO a VALUES (1, 1), (2, 2)")
    source.run("CREATE TABLE b (LIKE a INCLUDING ALL)", "INSERT INTO b VALUES (1, 1), (2, 2)")
    land = landed.land

    def meanwhile(table: str, schema: pa.Schema, rows: Iterable[pa.Table], mark: Mark) -> None:
        land(table, schema, rows, mark)
        if table == "pg_public_a":
            # The slot is there and table b isn't landed yet.
            source.run("INSERT INTO b VALUES (3, 3)", "UPDATE b SET v = 20 WHERE id = 2", "DELETE FROM b WHERE id = 1")

    monkeypatch.setattr(landed, "land", meanwhile)
    landed.load()
    assert [(row["_op"], row["id"]) for row in landed.tables["pg_public_b"]] == [("r", 1), ("r", 2)]
    landed.load()
    rows = landed.tables["pg_public_b"][2:]
    assert [(row["_op"], row["id"], row["v"]) for row in rows] == [("c", 3, 3), ("u", 2, 20), ("d", 1, None)]


def test_loads_under_steady_writes_end_up_equal_to_the_source(source: Source, landed: Landed) -> None:
    source.run("CREATE TABLE a (id integer PRIMARY KEY, v integer)", "INSERT INTO a VALUES (0, 0)")
    assert source.settings.postgres_dsn is not None
    dsn, stop = source.settings.postgres_dsn.get_secret_value(), Event()

    def write() -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            for number in range(1, 100_000):
                connection.execute("INSERT INTO a VALUES (%s, 1)", (number,))
                connection.execute("UPDATE a SET v = v + 1 WHERE id = %s", (number // 2,))
                connection.execute("DELETE FROM a WHERE id = %s", (number // 3,))
                if stop.is_set():
                    return

    writer = Thread(target=write)
    writer.start()
    try:
        for _ in range(4):
            landed.load()
    finally:
        stop.set()
        writer.join()
    landed.load()
    expected = {number: {"id": number, "v": v} for number, v in source.rows("SELECT id, v FROM a")}
    assert landed.current("pg_public_a", "id") == expected


@pytest.mark.parametrize("via_root", [True, False])
def test_a_partitioned_table_is_one_table_whatever_the_publication_speaks_of(
    source: Source, landed: Landed, via_root: bool
) -> None:
    source.run(
        "CREATE TABLE p (id integer PRIMARY KEY, v text) PARTITION BY RANGE (id)",
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)",
        "CREATE TABLE p2 (v text, id integer NOT NULL)",
        "ALTER TABLE p ATTACH PARTITION p2 FOR VALUES FROM (10) TO (20)",
        f"CREATE PUBLICATION {source.settings.postgres_publication} FOR TABLE p "
        f"WITH (publish_via_partition_root = {via_root})",
        "INSERT INTO p VALUES (1, 'one'), (11, 'eleven')",
    )
    landed.load()
    source.run("INSERT INTO p VALUES (2, 'two'), (12, 'twelve')", "UPDATE p SET id = 13 WHERE id = 1")
    source.run("CREATE TABLE p3 PARTITION OF p FOR VALUES FROM (20) TO (30)", "INSERT INTO p VALUES (21, 'late')")
    landed.load()
    assert {key: row["v"] for key, row in landed.current("pg_public_p", "id").items()} == dict(
        source.rows("SELECT id, v FROM p")
    )
    source.run("TRUNCATE p", "INSERT INTO p VALUES (3, 'three'), (14, 'fourteen')")
    landed.load()
    assert sorted(landed.current("pg_public_p", "id")) == [3, 14]
    # One for the change, and one for the copy: emptied partitions have other files.
    assert [row["_op"] for row in landed.tables["pg_public_p"]].count("t") == 2


def test_a_partition_that_was_emptied_alone_has_its_table_copied_anew(source: Source, landed: Landed) -> None:
    source.run(
        "CREATE TABLE p (id integer PRIMARY KEY) PARTITION BY RANGE (id)",
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10)",
        "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20)",
        f"CREATE PUBLICATION {source.settings.postgres_publication} FOR TABLE p",
        "INSERT INTO p VALUES (1), (11)",
    )
    landed.load()
    source.run("INSERT INTO p VALUES (2), (12)", "TRUNCATE p2", "INSERT INTO p VALUES (13)")
    landed.load()
    assert sorted(landed.current("pg_public_p", "id")) == [1, 2, 13]


@pytest.mark.parametrize("identity", ["DEFAULT", "FULL", "USING INDEX t_name"])
def test_a_long_value_that_did_not_change_is_known_under_every_identity(
    source: Source, landed: Landed, identity: str
) -> None:
    source.run(
        "CREATE TABLE t (id integer PRIMARY KEY, name text NOT NULL, long text, v integer)",
        "CREATE UNIQUE INDEX t_name ON t (name)",
        "ALTER TABLE t ALTER long SET STORAGE EXTERNAL",
        f"ALTER TABLE t REPLICA IDENTITY {identity}",
        "INSERT INTO t VALUES (1, 'a', repeat('x', 9000), 1), (2, 'b', repeat('y', 9000), 1)",
    )
    landed.load()
    source.run("UPDATE t SET v = 2 WHERE id = 1", "DELETE FROM t WHERE id = 2", "UPDATE t SET v = 3 WHERE id = 1")
    landed.load()
    key = "name" if "INDEX" in identity else "id"
    assert [row["long"] for row in landed.current("pg_public_t", key).values()] == ["x" * 9000]


def test_a_long_key_is_known_though_it_did_not_change(source: Source, landed: Landed) -> None:
    source.run(
        "CREATE TABLE t (id text PRIMARY KEY, v integer)",
        "ALTER TABLE t ALTER id SET STORAGE EXTERNAL",
        "INSERT INTO t VALUES (repeat('k', 2500), 1)",
    )
    landed.load()
    source.run("UPDATE t SET v = 2")
    assert landed.load() == 1
    assert [(len(key), row["v"]) for key, row in landed.current("pg_public_t", "id").items()] == [(2500, 2)]


def test_a_change_that_comes_without_its_key_stops_the_table_with_the_way_out(source: Source) -> None:
    source.run("CREATE TABLE t (id text PRIMARY KEY, v integer)")
    table = SourceTable("public", "t", ("id",))
    relation = b"R" + struct.pack(">I", 7) + b"public\0t\0d" + struct.pack(">h", 2)
    relation += b"\1id\0" + struct.pack(">Ii", 25, -1) + b"\0v\0" + struct.pack(">Ii", 23, -1)
    begin = b"B" + struct.pack(">QqI", 900, 0, 1)
    update = b"U" + struct.pack(">I", 7) + b"N" + struct.pack(">h", 2) + b"ut" + struct.pack(">i", 1) + b"2"
    with connect(source.settings) as connection:
        followed = Followed(table)
        reader = ChangeReader({("public", "t"): followed}, Kinds(connection), "load")
        reader.feed(Run.of([begin, relation, update]))
        assert reader.take() == []
    assert "without its key" in followed.stopped
    assert 'ALTER TABLE "public"."t" REPLICA IDENTITY FULL' in followed.stopped
