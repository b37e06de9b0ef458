"""Far behind, a copy of the slot is read ahead of what is durable; the slot itself moves no further than that."""

import threading

import pytest

from lake.errors import CommitError
from pipelines.postgres import flushing, peeking
from tests.pipelines.postgres.conftest import Landed, Source

LIMIT = """
CREATE FUNCTION no_room(name, name) RETURNS void LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'all replication slots are in use' USING ERRCODE = 'configuration_limit_exceeded'; END $$
"""


@pytest.fixture
def behind(source: Source, landed: Landed, monkeypatch: pytest.MonkeyPatch) -> Source:
    """Thirty transactions of a hundred rows wait, in chunks of a few."""
    source.run("CREATE TABLE a (id integer PRIMARY KEY, v integer)", "INSERT INTO a VALUES (0, 1)")
    landed.load()
    for first in range(1, 3_000, 100):
        source.run(f"INSERT INTO a SELECT n, n FROM generate_series({first}, {first + 99}) n")
    monkeypatch.setattr(peeking, "AHEAD_BYTES", 0)
    monkeypatch.setattr(peeking, "CHUNK_MESSAGES", 250)
    monkeypatch.setattr(flushing, "FLUSH_BYTES", 1)
    return source


def ids(landed: Landed) -> list[int]:
    return [row["id"] for row in landed.tables["pg_public_a"]]


def slots(source: Source) -> int:
    ((count,),) = source.rows("SELECT count(*) FROM pg_replication_slots WHERE database = current_database()")
    return int(count)


def test_chunks_that_are_read_ahead_land_once_and_in_order(behind: Source, landed: Landed) -> None:
    before = behind.confirmed
    assert landed.load() == 3_000
    assert ids(landed) == list(range(3_001))
    assert len({row["_load_id"] for row in landed.tables["pg_public_a"]}) > 2
    assert behind.confirmed != before
    assert landed.load() == 0
    assert slots(behind) == 1


def test_what_was_read_ahead_and_did_not_land_is_read_again(behind: Source, landed: Landed) -> None:
    before = behind.confirmed
    landed.refuses = {"pg_public_a"}
    with pytest.raises(CommitError):
        landed.load()
    assert behind.confirmed == before
    assert [thread.name for thread in threading.enumerate() if thread.name == "reading ahead"] == []
    landed.refuses = set()
    assert landed.load() == 3_000
    assert ids(landed) == list(range(3_001))


def test_without_room_for_another_slot_each_chunk_lands_before_the_next_is_read(
    behind: Source, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind.run(LIMIT)
    monkeypatch.setattr(peeking, "COPIED", "SELECT public.no_room(%s, %s)")
    assert landed.load() == 3_000
    assert ids(landed) == list(range(3_001))
