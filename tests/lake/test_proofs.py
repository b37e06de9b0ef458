from dataclasses import replace

import duckdb
import pyarrow as pa
import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.table import Table

from lake import proofs
from lake.catalogue import ensure_table
from lake.commits import Mark, commit_once
from lake.proofs import Proof, Tally, fingerprint, hash_sql, ledger, open_disagreements, order_free_hash, prove
from lake.settings import Settings
from tests.lake.conftest import SCHEMA, rows

PAIRS = [("1", "2024-01-01T00:00:00Z"), ("zwei", "ü"), ("", "")]


@pytest.fixture
def bronze(catalogue: Catalog, unique: str, monkeypatch: pytest.MonkeyPatch) -> Table:
    """An empty table of bronze, and a ledger that tells of no other."""
    monkeypatch.setattr(proofs, "TABLE", f"{unique}.proofs")
    return ensure_table(catalogue, f"bronze.{unique}", SCHEMA)


def claimed(load_id: str, *ids: str, quarantined: int = 0, writer: str = "poll") -> Mark:
    """The mark of a load whose source speaks of these ids, and of some that are in quarantine."""
    tally = Tally()
    for identity in ids:
        tally.add(identity, "1")
    return Mark(writer, load_id, "", tally.count + quarantined, tally.hash, "count", quarantined)


def proven(settings: Settings, catalogue: Catalog, table: Table) -> list[tuple[str, int, bool]]:
    """Prove, and give the load, the rows and the verdict of this table's new proofs."""
    ours = [proof for proof in prove(settings, catalogue) if proof.table == ".".join(table.name())]
    return [(proof.mark.load_id, proof.landed_count, proof.agrees) for proof in ours]


def disagreements(catalogue: Catalog, table: Table) -> list[object]:
    return [row["load_id"] for row in open_disagreements(catalogue) if row["table"] == ".".join(table.name())]


def test_python_arrow_and_duckdb_hash_alike_in_any_order() -> None:
    tally = Tally()
    for pair in PAIRS:
        tally.add(*pair)
    backwards = [pa.array(column) for column in zip(*reversed(PAIRS), strict=True)]
    assert order_free_hash(*backwards) == tally.hash
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE seen AS SELECT unnest(?) AS pair", [[list(pair) for pair in PAIRS]])
        found = connection.execute(
            f"SELECT {hash_sql('id,version')}, list(unhex(md5(concat_ws(chr(31), id, version)))) "
            "FROM (SELECT pair[1] AS id, pair[2] AS version FROM seen)"
        ).fetchone()
    assert found == (tally.hash, [fingerprint(*pair) for pair in PAIRS])


def test_nothing_hashes_to_zeros() -> None:
    nothing = pa.array([], pa.string())
    assert Tally().hash == order_free_hash(nothing, nothing) == "0" * 16


@pytest.mark.parametrize("other", [PAIRS[:2], [*PAIRS, PAIRS[0]], [("1", "2024-01-01T00:00:01Z"), *PAIRS[1:]]])
def test_what_is_missing_doubled_or_changed_has_another_hash(other: list[tuple[str, str]]) -> None:
    hashes = []
    for pairs in (PAIRS, other):
        tally = Tally()
        for pair in pairs:
            tally.add(*pair)
        hashes.append(tally.hash)
    assert hashes[0] != hashes[1]


def test_each_load_is_proven_once(settings: Settings, catalogue: Catalog, bronze: Table) -> None:
    commit_once(bronze, [rows("a", "1", "2")], claimed("a", "1", "2"))
    commit_once(bronze, [rows("b", "3")], claimed("b", "3", writer="webhook"))
    assert proven(settings, catalogue, bronze) == [("a", 2, True), ("b", 1, True)]
    assert proven(settings, catalogue, bronze) == []
    ours = [row for row in ledger(catalogue) if row["table"] == ".".join(bronze.name())]
    assert [(row["load_id"], row["landed_count"], row["landed_hash"] == row["source_hash"]) for row in ours] == [
        ("a", 2, True),
        ("b", 1, True),
    ]


def test_tables_of_one_load_may_be_proven_one_after_the_other(
    settings: Settings, catalogue: Catalog, bronze: Table, unique: str
) -> None:
    other = ensure_table(catalogue, f"bronze.{unique}_more", SCHEMA)
    prove(settings, catalogue)
    for table in (bronze, other):
        commit_once(table, [rows("a", "1")], claimed("a", "1"))
        assert proven(settings, catalogue, table) == [("a", 1, True)]
    assert sum(unique in str(row["table"]) for row in ledger(catalogue)) == 2


@pytest.mark.parametrize("landed", [("1",), ("1", "3"), ("1", "2", "2")], ids=["missing", "other", "doubled"])
def test_rows_that_the_source_did_not_say_disagree(
    settings: Settings, catalogue: Catalog, bronze: Table, landed: tuple[str, ...]
) -> None:
    commit_once(bronze, [rows("a", *landed)], claimed("a", "1", "2"))
    assert proven(settings, catalogue, bronze) == [("a", len(landed), False)]
    assert disagreements(catalogue, bronze) == ["a"]


def test_a_disagreement_is_open_until_a_later_load_of_its_writer_brings_what_was_missing(
    settings: Settings, catalogue: Catalog, bronze: Table
) -> None:
    commit_once(bronze, [rows("a", "1")], claimed("a", "1", "2"))
    commit_once(bronze, [rows("w", "9")], claimed("w", "9", writer="webhook"))
    proven(settings, catalogue, bronze)
    assert disagreements(catalogue, bronze) == ["a"]
    commit_once(bronze, [], claimed("b"))
    assert proven(settings, catalogue, bronze) == [("b", 0, True)]
    assert disagreements(catalogue, bronze) == ["a"]
    commit_once(bronze, [rows("c", "2")], claimed("c", "2"))
    proven(settings, catalogue, bronze)
    assert disagreements(catalogue, bronze) == []


def test_documents_in_quarantine_count_as_seen(settings: Settings, catalogue: Catalog, bronze: Table) -> None:
    commit_once(bronze, [rows("a", "1")], claimed("a", "1", quarantined=2))
    assert proven(settings, catalogue, bronze) == [("a", 1, True)]
    row = next(row for row in ledger(catalogue) if row["table"] == ".".join(bronze.name()))
    assert (row["source_count"], row["landed_count"], row["quarantined"]) == (3, 1, 2)


def test_a_load_whose_rows_never_came_disagrees(settings: Settings, catalogue: Catalog, bronze: Table) -> None:
    commit_once(bronze, [], claimed("a", "1"))
    assert proven(settings, catalogue, bronze) == [("a", 0, False)]


def test_a_load_is_proven_after_its_snapshot_expired(settings: Settings, catalogue: Catalog, bronze: Table) -> None:
    expired = commit_once(bronze, [rows("a", "1")], claimed("a", "1")).snapshot_id
    commit_once(bronze, [rows("b", "2")], claimed("b", "2", writer="webhook"))
    assert expired is not None
    bronze.maintenance.expire_snapshots().by_id(expired).commit()
    assert sorted(proven(settings, catalogue, bronze)) == [("a", 1, True), ("b", 1, True)]


def test_of_many_loads_those_that_were_wrong_and_those_whose_rows_went_since_are_told_apart(
    settings: Settings, catalogue: Catalog, bronze: Table
) -> None:
    for name in "abcd":
        commit_once(bronze, [rows(name, name)], claimed(name, "b" if name == "d" else name))
    bronze.refresh()
    bronze.delete("id == 'a'")
    assert proven(settings, catalogue, bronze) == [("a", 1, True), ("b", 1, True), ("c", 1, True), ("d", 1, False)]


def test_a_verdict_needs_the_count_and_the_hash() -> None:
    mark = claimed("a", "1", "2")
    right = Proof("bronze.orders", mark, 2, mark.claim_hash, 7)
    assert right.agrees
    assert not replace(right, landed_count=3).agrees
    assert not replace(right, landed_hash="0" * 16).agrees
