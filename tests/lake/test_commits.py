from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.table import Table
from tenacity import wait_none

from lake import commits, failpoints
from lake.commits import commit_once, last_mark, replace_once
from lake.errors import BoathouseError, CommitError
from tests.lake.conftest import ids, mark, rows
from tests.lake.network import Network


def test_a_load_is_one_snapshot_however_many_batches_it_has(table: Table) -> None:
    done = commit_once(table, [rows("a", "1", "2"), rows("a"), rows("a", "3")], mark("a"))
    assert (done.rows, done.already) == (3, False)
    assert ids(table) == ["1", "2", "3"]
    assert [snapshot.snapshot_id for snapshot in table.snapshots()] == [done.snapshot_id]


def test_a_load_that_starts_again_adds_nothing(table: Table) -> None:
    first = commit_once(table, [rows("a", "1")], mark("a"))
    again = commit_once(table, [rows("a", "1")], mark("a"))
    assert (again.snapshot_id, again.rows, again.already) == (first.snapshot_id, 1, True)
    assert ids(table) == ["1"]


def test_an_older_load_that_starts_again_adds_nothing_and_moves_no_cursor(table: Table) -> None:
    for load_id in ("a", "b", "a"):
        commit_once(table, [rows(load_id, load_id)], mark(load_id))
    assert ids(table) == ["a", "b"]
    assert last_mark(table, "poll") == mark("b")


def test_the_same_load_id_of_another_writer_is_another_load(table: Table) -> None:
    for writer in ("poll", "webhook"):
        commit_once(table, [rows("a", writer)], mark("a", writer))
    assert ids(table) == ["poll", "webhook"]


def test_writers_at_the_same_time_lose_and_double_nothing(catalogue: Catalog, table: Table) -> None:
    def write(writer: str) -> None:
        mine = catalogue.load_table(table.name())
        for number in range(4):
            load_id = f"{writer}{number}"
            commit_once(mine, [rows(load_id, load_id)], mark(load_id, writer))

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, "abc"))
    assert ids(table) == sorted(f"{writer}{number}" for writer in "abc" for number in range(4))
    assert [last_mark(table, writer) for writer in "abc"] == [mark(f"{writer}3", writer) for writer in "abc"]


def test_a_load_that_another_process_commits_meanwhile_lands_once(catalogue: Catalog, table: Table) -> None:
    def meanwhile() -> Iterator[pa.Table]:
        commit_once(catalogue.load_table(table.name()), [rows("a", "1")], mark("a"))
        yield rows("a", "1")

    assert commit_once(table, meanwhile(), mark("a")).already
    assert ids(table) == ["1"]


@pytest.mark.parametrize("fate", ["lose", "garble"])
def test_a_reply_lost_after_the_commit_is_learnt_from_the_table(
    table: Table, far: Table, network: Network, fate: str
) -> None:
    network.plan = [fate]
    done = commit_once(far, [rows("a", "1")], mark("a"))
    assert network.plan == []
    assert (done.rows, done.already) == (1, False)
    assert ids(table) == ["1"]
    assert done.snapshot_id == table.metadata.current_snapshot_id


def test_a_commit_that_was_refused_leaves_nothing_and_says_so(table: Table, far: Table, network: Network) -> None:
    network.plan = ["refuse"]
    with pytest.raises(CommitError, match=r"load a to .*orders failed .*; nothing of it is visible, run again\.$"):
        commit_once(far, [rows("a", "1")], mark("a"))
    assert ids(table) == []
    assert last_mark(table, "poll") is None
    assert commit_once(far, [rows("a", "1")], mark("a")).rows == 1


@pytest.mark.parametrize("fate", ["lose", "refuse"])
def test_when_the_catalogue_goes_away_running_again_settles_it(
    table: Table, far: Table, network: Network, fate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commits._refresh.retry, "wait", wait_none())

    def last_batch() -> Iterator[pa.Table]:
        network.plan, network.down = [fate], True
        yield rows("a", "1")

    with pytest.raises(CommitError, match=r"stopped answering while load a .* the load won't be doubled\.$"):
        commit_once(far, last_batch(), mark("a"))
    with pytest.raises(CommitError, match=r"run again\.$"):
        commit_once(far, [rows("a", "1")], mark("a"))
    network.down = False
    assert commit_once(far, [rows("a", "1")], mark("a")).already == (fate == "lose")
    assert ids(table) == ["1"]


def test_a_failure_before_the_commit_leaves_nothing(table: Table) -> None:
    failpoints.arm("commit.before:1:error")
    with pytest.raises(BoathouseError, match=r"commit\.before"):
        commit_once(table, [rows("a", "1")], mark("a"))
    assert ids(table) == []
    assert commit_once(table, [rows("a", "1")], mark("a")).already is False


def test_a_failure_after_the_commit_leaves_the_whole_load(table: Table) -> None:
    failpoints.arm("commit.after:1:error")
    with pytest.raises(BoathouseError, match=r"commit\.after"):
        commit_once(table, [rows("a", "1")], mark("a"))
    assert commit_once(table, [rows("a", "1")], mark("a")).already
    assert ids(table) == ["1"]


def test_a_mark_outlives_the_expiry_of_its_snapshot(table: Table) -> None:
    expired = commit_once(table, [rows("a", "1")], mark("a")).snapshot_id
    commit_once(table, [rows("b", "2")], mark("b", "webhook"))
    assert expired is not None
    table.maintenance.expire_snapshots().by_id(expired).commit()
    again = commit_once(table, [rows("a", "1")], mark("a"))
    assert (again.snapshot_id, again.already) == (None, True)
    assert ids(table) == ["1", "2"]


def test_a_load_without_rows_leaves_its_mark_and_no_snapshot(table: Table) -> None:
    done = commit_once(table, [], mark("a"))
    assert (done.snapshot_id, done.rows, done.already) == (None, 0, False)
    table.refresh()
    assert last_mark(table, "poll") == mark("a")
    assert table.snapshots() == []
    assert commit_once(table, [], mark("a")).already


def test_replacing_leaves_only_the_new_rows(table: Table) -> None:
    replace_once(table, rows("a", "1", "2"), mark("a"))
    replace_once(table, rows("b", "3"), mark("b"))
    assert ids(table) == ["3"]
    assert replace_once(table, rows("b", "3"), mark("b")).already


def test_replacing_by_nothing_empties_the_table(table: Table) -> None:
    replace_once(table, rows("a", "1"), mark("a"))
    replace_once(table, rows("b"), mark("b"))
    assert ids(table) == []


def test_replacing_nothing_by_nothing_makes_a_snapshot_to_pin(table: Table) -> None:
    assert replace_once(table, rows("a"), mark("a")).snapshot_id is not None
