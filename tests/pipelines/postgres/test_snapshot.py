"""First copies: in ranges side by side, under writes, and gone on with after a crash."""

from threading import Event, Thread

import psycopg
import pytest

from lake import failpoints
from lake.errors import BoathouseError, SourceError
from pipelines.postgres import heaps, pull
from pipelines.postgres.progress import Progress
from pipelines.postgres.wire import Copy
from tests.pipelines.postgres.conftest import Landed, Source

PAGES = 16
BRONZE = "pg_public_parcels"


@pytest.fixture
def small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heaps, "LEAST_BYTES", PAGES * 8192)


@pytest.fixture
def parcels(source: Source, landed: Landed, small_ranges: None) -> Source:
    """4,000 parcels in eight ranges; every hundredth has a note that is stored apart."""
    landed.settings = source.settings.model_copy(update={"postgres_copy_note_interval": 0})
    source.run(
        "CREATE TABLE parcels (id integer PRIMARY KEY, weight integer, filler text, note text)",
        "ALTER TABLE parcels ALTER note SET STORAGE EXTERNAL",
        "INSERT INTO parcels SELECT n, n, repeat('x', 300), CASE WHEN n % 100 = 0 THEN repeat('note' || n, 900) END"
        " FROM generate_series(1, 4000) n",
    )
    return source


@pytest.fixture
def interrupted(parcels: Source, landed: Landed) -> Source:
    """The copy of the parcels, ended after three ranges were noted."""
    failpoints.arm("postgres.copy_noted:3:error")
    with pytest.raises(BoathouseError, match=r"postgres\.copy_noted"):
        landed.load()
    failpoints.arm("")
    assert landed.tables == {}
    return parcels


def noted(landed: Landed) -> set[str]:
    """Name the parts that the interrupted copy has."""
    return {file for part in Progress.from_json(landed.notes[BRONZE]).done.values() for file in part.files}


def truth(source: Source) -> dict[int, dict[str, object]]:
    names = ("id", "weight", "filler", "note")
    return {
        row[0]: dict(zip(names, row, strict=True)) for row in source.rows(f"SELECT {', '.join(names)} FROM parcels")
    }


def test_a_table_is_copied_in_ranges_and_every_row_has_a_place_of_its_own(parcels: Source, landed: Landed) -> None:
    told: list[tuple[str, int]] = []
    assert pull(landed.settings, landed, lambda *more: told.append(more)).rows == {BRONZE: 4000}
    assert ({table for table, _ in told}, sum(rows for _, rows in told)) == ({"public.parcels"}, 4000)
    assert len(landed.batches[BRONZE]) == 8
    rows = landed.tables[BRONZE]
    assert len({(row["_commit_lsn"], row["_ordinal"]) for row in rows}) == 4000
    assert landed.current(BRONZE, "id") == truth(parcels)
    assert landed.marks[BRONZE].agrees_with(4000, landed.marks[BRONZE].claim_hash)


def test_a_copy_goes_on_where_it_ended_and_misses_no_long_value_that_moved(interrupted: Source, landed: Landed) -> None:
    done = noted(landed)
    # Updates write each row anew, into pages that were copied before or weren't; deletes and new rows are in between.
    interrupted.run("DELETE FROM parcels WHERE id % 7 = 0", "VACUUM parcels", "UPDATE parcels SET weight = -weight")
    interrupted.run("VACUUM parcels", "UPDATE parcels SET weight = weight - 1 WHERE id > 2000")
    interrupted.run("INSERT INTO parcels VALUES (7, 1, 'again'), (5000, 1, 'new')")
    landed.load()
    assert done < set(landed.parts)
    assert len({(row["_commit_lsn"], row["_ordinal"]) for row in landed.tables[BRONZE]}) == len(landed.tables[BRONZE])
    assert landed.marks[BRONZE].said_by.startswith("rows decoded")
    assert landed.current(BRONZE, "id") == truth(interrupted)
    assert landed.load() == 0


def test_a_copy_that_was_interrupted_twice_goes_on_twice(interrupted: Source, landed: Landed) -> None:
    interrupted.run("UPDATE parcels SET weight = 0 WHERE id < 1000")
    failpoints.arm("postgres.copy_noted:2:error")
    with pytest.raises(BoathouseError, match=r"postgres\.copy_noted"):
        landed.load()
    failpoints.arm("")
    interrupted.run("UPDATE parcels SET weight = 1 WHERE id > 3000", "DELETE FROM parcels WHERE id = 1")
    landed.load()
    assert landed.current(BRONZE, "id") == truth(interrupted)


@pytest.mark.parametrize("moved", ["VACUUM FULL parcels", "ALTER TABLE parcels ADD shelf integer", "TRUNCATE parcels"])
def test_a_copy_begins_anew_when_its_rows_moved_or_changed_their_shape(
    interrupted: Source, landed: Landed, moved: str
) -> None:
    before = noted(landed)
    interrupted.run(moved)
    assert landed.load() == interrupted.rows("SELECT count(*) FROM parcels")[0][0]
    assert not before & set(landed.parts)
    assert len(landed.tables[BRONZE]) == len(truth(interrupted))


def test_a_table_added_later_goes_on_too_while_the_others_are_followed(parcels: Source, landed: Landed) -> None:
    parcels.run("CREATE TABLE early (id integer PRIMARY KEY)", "INSERT INTO early VALUES (1)")
    everything = landed.settings
    landed.settings = everything.model_copy(update={"postgres_tables": ["public.early"]})
    landed.load()
    landed.settings = everything
    failpoints.arm("postgres.copy_noted:3:error")
    with pytest.raises(BoathouseError, match=r"postgres\.copy_noted"):
        landed.load()
    failpoints.arm("")
    done = noted(landed)
    parcels.run("INSERT INTO early VALUES (2)", "UPDATE parcels SET weight = 0")
    landed.load()
    assert done < set(landed.parts)
    assert [row["id"] for row in landed.tables["pg_public_early"]] == [1, 2]
    assert landed.current(BRONZE, "id") == truth(parcels)


def test_nothing_is_lost_or_doubled_while_the_copy_runs_under_writes(parcels: Source, landed: Landed) -> None:
    assert parcels.settings.postgres_dsn is not None
    dsn, stop = parcels.settings.postgres_dsn.get_secret_value(), Event()

    def write() -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            for number in range(5000, 100_000):
                connection.execute("INSERT INTO parcels VALUES (%s, 1, 'new')", (number,))
                connection.execute("UPDATE parcels SET weight = weight + 1 WHERE id = %s", (number % 4000,))
                connection.execute("DELETE FROM parcels WHERE id = %s", (number * 7 % 4000,))
                if stop.is_set():
                    return

    writer = Thread(target=write)
    writer.start()
    try:
        landed.load()
    finally:
        stop.set()
        writer.join()
    landed.load()
    copied = [row["id"] for row in landed.tables[BRONZE] if row["_op"] == "r"]
    assert len(copied) == len(set(copied))
    assert landed.current(BRONZE, "id") == truth(parcels)


def test_a_failure_in_one_range_ends_the_copy_in_the_servers_words(parcels: Source, landed: Landed) -> None:
    parcels.run("ALTER TABLE parcels ADD n numeric(3) DEFAULT 1", "CREATE ROLE reader LOGIN PASSWORD 'pw' REPLICATION")
    parcels.run("GRANT SELECT (id) ON parcels TO reader")
    try:
        name = parcels.settings.postgres_publication
        parcels.run(f"CREATE PUBLICATION {name} FOR TABLE parcels WITH (publish_via_partition_root = true)")
        assert parcels.settings.postgres_dsn is not None
        dsn = psycopg.conninfo.make_conninfo(
            parcels.settings.postgres_dsn.get_secret_value(), user="reader", password="pw"
        )
        landed.settings = type(landed.settings).model_validate(
            {**landed.settings.model_dump(), "postgres_dsn": dsn, "postgres_tables": ["public.parcels"]}
        )
        with pytest.raises(SourceError, match="permission denied for table parcels"):
            landed.load()
    finally:
        parcels.run("DROP OWNED BY reader", "DROP ROLE reader")


def test_the_connection_can_be_used_after_a_copy_and_is_closed_after_a_failed_one(source: Source) -> None:
    copy = Copy(source.connection, "COPY (SELECT 1 FROM generate_series(1, 300000)) TO STDOUT (FORMAT binary)")
    assert sum(len(piece) for piece in copy.pieces()) == 19 + 300_000 * 10 + 2
    assert copy.rows == 300_000
    assert source.rows("SELECT 2") == [(2,)]
    with pytest.raises(psycopg.errors.DivisionByZero, match="division by zero"):
        list(Copy(source.connection, "COPY (SELECT 1 / 0) TO STDOUT (FORMAT binary)").pieces())
    assert source.connection.closed
