from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import psycopg
import pytest

from pipelines.postgres import continuous
from pipelines.postgres.continuous import follow
from pipelines.postgres.following import Engine
from tests.pipelines.postgres.conftest import Landed, Source

Rows = list[tuple[Any, ...]]


class Following:
    """Follows a source in a thread; ``until`` waits for bronze."""

    def __init__(self, source: Source, landed: Landed, **settings: Any) -> None:
        update = {"postgres_flush_interval": 0.05, **settings}
        self.landed, self.stop, self.failure = landed, Event(), list[BaseException]()
        self.settings = source.settings.model_copy(update=update)
        self.thread = Thread(target=self._run)

    def _run(self) -> None:
        try:
            follow(self.settings, self.landed, self.stop)
        except BaseException as error:
            self.failure.append(error)

    def until(self, there: Callable[[], bool]) -> None:
        while not there():
            assert self.thread.is_alive(), self.failure
            self.landed.changed.wait(0.1)
            self.landed.changed.clear()


@contextmanager
def following(source: Source, landed: Landed, **settings: Any) -> Iterator[Following]:
    found = Following(source, landed, **settings)
    found.thread.start()
    try:
        yield found
    finally:
        found.stop.set()
        found.thread.join()
    assert found.failure == []


def ids(landed: Landed, table: str = "pg_public_a") -> list[int]:
    return [row["id"] for row in landed.tables.get(table, [])]


@pytest.fixture
def table(source: Source) -> Source:
    source.run("CREATE TABLE a (id integer PRIMARY KEY, v integer)", "INSERT INTO a VALUES (1, 1)")
    return source


def test_changes_land_while_they_happen_and_the_slot_follows(table: Source, landed: Landed) -> None:
    with following(table, landed) as found:
        found.until(lambda: ids(landed) == [1])
        before = table.confirmed
        for number in (2, 3, 4):
            table.run(f"INSERT INTO a VALUES ({number}, 1)")
            found.until(lambda number=number: ids(landed)[-1] == number)  # type: ignore[misc]
        found.until(lambda: table.confirmed != before)
    assert ids(landed) == [1, 2, 3, 4]
    assert landed.load() == 0


def test_a_walsender_that_is_ended_time_and_again_loses_and_doubles_nothing(
    table: Source, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(continuous, "AGAIN_SECONDS", 0.05)
    name = table.settings.postgres_slot
    with following(table, landed) as found:
        for number in range(2, 22):
            table.run(f"INSERT INTO a VALUES ({number}, 1), ({number + 100}, 1)")
            table.run(f"SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '{name}'")
        found.until(lambda: len(ids(landed)) >= 41)
    assert sorted(ids(landed)) == [1, *range(2, 22), *range(102, 122)]


def test_a_transaction_larger_than_a_flush_lands_in_parts_and_is_confirmed_at_its_end(
    table: Source, landed: Landed
) -> None:
    with following(table, landed, postgres_flush_rows=10_000) as found:
        found.until(lambda: ids(landed) == [1])
        table.run("INSERT INTO a SELECT n, n FROM generate_series(2, 400001) n")
        found.until(lambda: len(ids(landed)) == 400_001)
    rows = landed.tables["pg_public_a"][1:]
    assert [row["_ordinal"] for row in rows] == list(range(400_000))
    assert len({row["_commit_lsn"] for row in rows}) == 1
    assert len({row["_load_id"] for row in rows}) > 2


def test_a_table_made_meanwhile_is_copied_while_the_others_stream(
    table: Source, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(continuous, "LOOK_SECONDS", 0.05)
    with following(table, landed) as found:
        found.until(lambda: ids(landed) == [1])
        table.run("CREATE TABLE late (LIKE a INCLUDING ALL)", "INSERT INTO late VALUES (1, 1)")
        found.until(lambda: ids(landed, "pg_public_late") == [1])
        table.run("INSERT INTO late VALUES (2, 2)", "INSERT INTO a VALUES (2, 2)")
        found.until(lambda: ids(landed, "pg_public_late") == [1, 2])
        found.until(lambda: ids(landed) == [1, 2])


def test_rows_that_a_change_of_columns_alone_changed_are_copied_while_following(
    table: Source, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(continuous, "LOOK_SECONDS", 0.05)
    with following(table, landed) as found:
        found.until(lambda: ids(landed) == [1])
        table.run("ALTER TABLE a ADD w integer DEFAULT 7")
        found.until(lambda: landed.current("pg_public_a", "id")[1].get("w") == 7)
        table.run("INSERT INTO a VALUES (2, 2)")
        found.until(lambda: 2 in landed.current("pg_public_a", "id"))
    assert [row["_op"] for row in landed.tables["pg_public_a"]] == ["r", "t", "r", "c"]


def test_far_behind_it_peeks_and_then_streams(table: Source, landed: Landed, monkeypatch: pytest.MonkeyPatch) -> None:
    landed.load()
    monkeypatch.setattr(continuous, "FAR_BEHIND", 1000)
    peeks: list[int] = []
    drain = Engine.drain

    def counted(engine: Engine, connection: Any, upto: int) -> None:
        peeks.append(upto)
        drain(engine, connection, upto)

    monkeypatch.setattr(Engine, "drain", counted)
    table.run("INSERT INTO a SELECT n, n FROM generate_series(2, 1000) n")
    with following(table, landed) as found:
        found.until(lambda: len(ids(landed)) == 1000)
        table.run("INSERT INTO a VALUES (1001, 1)")
        found.until(lambda: len(ids(landed)) == 1001)
    assert len(peeks) == 1


def test_a_slot_that_goes_while_it_is_followed_stops_with_the_way_out(table: Source, landed: Landed) -> None:
    landed.load()
    found = Following(table, landed)
    found.thread.start()
    name = table.settings.postgres_slot
    table.run("INSERT INTO a VALUES (2, 2)")
    found.until(lambda: ids(landed) == [1, 2])
    table.run(
        f"SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE slot_name = '{name}'",
        f"SELECT pg_drop_replication_slot('{name}')",
    )
    found.thread.join()
    assert "is gone" in str(found.failure[0])
    assert psycopg.OperationalError not in [type(error) for error in found.failure]


def test_while_the_lake_is_away_nothing_is_confirmed_and_then_everything_lands(
    table: Source, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(continuous, "AGAIN_SECONDS", 0.05)
    with following(table, landed) as found:
        found.until(lambda: ids(landed) == [1])
        landed.refuses = {"pg_public_a"}
        before = table.confirmed
        table.run("INSERT INTO a SELECT n, n FROM generate_series(2, 2000) n")
        found.until(lambda: landed.refused > 2)
        assert table.confirmed == before
        landed.refuses = set()
        found.until(lambda: len(ids(landed)) == 2000)
    assert ids(landed) == list(range(1, 2001))


def test_every_way_writes_the_same_text_whatever_the_database_is_set_to(table: Source, landed: Landed) -> None:
    name = table.settings.postgres_slot
    for setting in (
        "datestyle = 'SQL, DMY'",
        "intervalstyle = 'postgres_verbose'",
        "bytea_output = 'escape'",
        "extra_float_digits = 0",
        "timezone = 'America/New_York'",
    ):
        table.run(f"ALTER DATABASE {name} SET {setting}")
    table.run(
        "ALTER TABLE a ADD took interval, ADD tooks interval[], ADD weight float8, ADD weights float8[], "
        "ADD raw bytea, ADD at timestamptz, ADD span tstzrange, ADD day date, ADD of regclass",
        "UPDATE a SET took = '1 year 2 days 3 hours', tooks = '{1 day}', weight = 0.1::float8 + 0.2, raw = '\\x00ff', "
        "weights = ARRAY[0.1::float8 + 0.2], at = '1850-07-01 12:00:00.5+00', day = '2024-07-01', of = 'public.a', "
        "span = '[2024-07-01 00:00+00, 2024-12-01 00:00+00)'",
    )
    again = "INSERT INTO a SELECT id + 1, v, took, tooks, weight, weights, raw, at, span, day, of FROM a WHERE id = {}"
    landed.load()
    table.run(again.format(1))
    landed.load()
    with following(table, landed) as found:
        table.run(again.format(2))
        found.until(lambda: len(ids(landed)) == 3)
    rows = [{k: v for k, v in row.items() if k[0] != "_" and k != "id"} for row in landed.tables["pg_public_a"]]
    assert [row["_op"] for row in landed.tables["pg_public_a"]] == ["r", "c", "c"]
    assert rows[0] == rows[1] == rows[2]
    assert (rows[0]["took"], rows[0]["weight"], rows[0]["of"]) == ("P1Y2DT3H", 0.30000000000000004, "public.a")


def test_a_publication_that_is_gone_ends_following_with_the_way_out(
    table: Source, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(continuous, "LOOK_SECONDS", 0.1)
    landed.load()
    found = Following(table, landed)
    found.thread.start()
    table.run("INSERT INTO a VALUES (2, 2)")
    found.until(lambda: ids(landed) == [1, 2])
    table.run(f"DROP PUBLICATION {table.settings.postgres_publication}")
    found.thread.join()
    assert "is gone, and with it the changes" in str(found.failure[0])


def test_a_table_made_anew_while_its_changes_are_followed_is_copied(
    table: Source, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(continuous, "LOOK_SECONDS", 0.1)
    landed.load()
    with following(table, landed) as found:
        table.run("DROP TABLE a", "CREATE TABLE a (id integer PRIMARY KEY, v integer)", "INSERT INTO a VALUES (7, 7)")
        found.until(lambda: list(landed.current("pg_public_a", "id")) == [7])
