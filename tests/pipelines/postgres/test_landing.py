from contextlib import suppress

import pytest
from pyiceberg.catalog import Catalog

from lake import failpoints
from lake.catalogue import find_table, open_catalogue
from lake.errors import BoathouseError
from lake.proofs import prove
from pipelines.postgres import IcebergBronze, heaps, pull
from pipelines.postgres.drafts import NOTE
from pipelines.postgres.flushing import new_load_id
from pipelines.postgres.landing import ask_anew
from tests.pipelines.postgres.conftest import Source


@pytest.fixture
def catalogue(source: Source) -> Catalog:
    source.run(
        # The schema keeps these tables apart from those of other tests in the same lake.
        f"CREATE SCHEMA {source.settings.postgres_slot}",
        f"SET search_path = {source.settings.postgres_slot}",
        "CREATE TABLE stock (sku text, shop integer, note text, PRIMARY KEY (sku, shop))",
        "CREATE TABLE empty (id bigint PRIMARY KEY)",
        "INSERT INTO stock VALUES ('a', 1, 'ü'), ('b', 2, NULL)",
    )
    return open_catalogue(source.settings)


def load(source: Source, catalogue: Catalog) -> int:
    return sum(pull(source.settings, IcebergBronze(catalogue)).rows.values())


def landed(source: Source, catalogue: Catalog, name: str) -> list[dict[str, object]]:
    table = find_table(catalogue, f"bronze.pg_{source.settings.postgres_slot}_{name}")
    assert table is not None
    return list(table.scan().to_arrow().sort_by([("_commit_lsn", "ascending"), ("_ordinal", "ascending")]).to_pylist())


def test_snapshot_and_changes_land_in_iceberg_and_prove_themselves(source: Source, catalogue: Catalog) -> None:
    assert load(source, catalogue) == 2
    assert landed(source, catalogue, "empty") == []
    source.run("INSERT INTO empty VALUES (1)", "UPDATE stock SET shop = 3 WHERE sku = 'b'", "TRUNCATE stock")
    assert load(source, catalogue) == 4
    rows = [(row["_op"], row["sku"], row["shop"]) for row in landed(source, catalogue, "stock")]
    changes = [("d", "b", 2), ("c", "b", 3), ("t", None, None)]
    assert rows == [("r", "a", 1), ("r", "b", 2), *changes]
    assert [row["id"] for row in landed(source, catalogue, "empty")] == [1]
    ours = [proof for proof in prove(source.settings, catalogue) if source.settings.postgres_slot in proof.table]
    assert sorted((proof.landed_count, proof.agrees) for proof in ours) == [(1, True), (2, True), (3, True)]


def test_an_interrupted_copy_lands_its_files_and_the_rest_in_one_commit(
    source: Source, catalogue: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heaps, "LEAST_BYTES", 8 * 8192)
    name = source.settings.postgres_slot
    source = source._replace(settings=source.settings.model_copy(update={"postgres_copy_note_interval": 0}))
    source.run(
        "CREATE TABLE days (id integer PRIMARY KEY, day date, tags jsonb, filler text)",
        # A value that dates can't hold comes first in the last ranges.
        "INSERT INTO days SELECT n, CASE WHEN n > 2500 THEN 'infinity' ELSE '2024-01-01'::date END, '{}',"
        " repeat('x', 200) FROM generate_series(1, 3000) n",
    )
    failpoints.arm("postgres.copy_noted:2:error")
    with pytest.raises(BoathouseError, match=r"postgres\.copy_noted"):
        load(source, catalogue)
    failpoints.arm("")
    found = catalogue.load_table(f"bronze.pg_{name}_days")
    assert NOTE in found.properties
    assert found.current_snapshot() is None
    source.run("UPDATE days SET filler = 'changed' WHERE id = 1")
    load(source, catalogue)
    found = found.refresh()
    assert NOTE not in found.properties
    assert found.schema().find_field("tags").doc == "Postgres jsonb, as its text"
    copied = [row for row in landed(source, catalogue, "days") if row["_op"] == "r"]
    assert {row["id"] for row in copied} == set(range(1, 3001))
    assert {(row["day"] is None, row["day__text"]) for row in copied} == {(False, None), (True, "infinity")}
    ours = [proof for proof in prove(source.settings, catalogue) if proof.table.endswith(f"{name}_days")]
    assert len(ours) == 2
    assert all(proof.agrees for proof in ours)


def test_a_load_with_nothing_new_makes_no_commit(source: Source, catalogue: Catalog) -> None:
    load(source, catalogue)
    name = f"bronze.pg_{source.settings.postgres_slot}_stock"
    before = catalogue.load_table(name).metadata_location
    assert load(source, catalogue) == 0
    assert catalogue.load_table(name).metadata_location == before


def test_a_load_that_only_says_how_far_it_read_adds_no_snapshot(source: Source, catalogue: Catalog) -> None:
    load(source, catalogue)
    before = catalogue.load_table(f"bronze.pg_{source.settings.postgres_slot}_stock").current_snapshot()
    confirmed = source.confirmed
    source.run("SELECT pg_logical_emit_message(true, 'us', repeat('much', 5000000))")
    assert load(source, catalogue) == 0
    assert catalogue.load_table(f"bronze.pg_{source.settings.postgres_slot}_stock").current_snapshot() == before
    assert source.confirmed != confirmed


def test_a_column_added_later_is_added_in_iceberg(source: Source, catalogue: Catalog) -> None:
    load(source, catalogue)
    source.run("ALTER TABLE stock ADD shelf integer", "INSERT INTO stock VALUES ('c', 3, NULL, 9)")
    load(source, catalogue)
    assert [row["shelf"] for row in landed(source, catalogue, "stock")] == [None, None, 9]


@pytest.mark.parametrize("place", ["postgres.slot_created", "commit.before", "commit.after"])
def test_a_first_load_that_failed_on_the_way_ends_with_every_row_once(
    source: Source, catalogue: Catalog, place: str
) -> None:
    failpoints.arm(f"{place}:1:error")
    try:
        with suppress(BoathouseError):
            load(source, catalogue)
    finally:
        failpoints.arm("")
    source.run("INSERT INTO stock VALUES ('c', 3, NULL)")
    load(source, catalogue)
    load(source, catalogue)
    assert [row["sku"] for row in landed(source, catalogue, "stock")] == ["a", "b", "c"]


def test_changes_that_failed_before_the_slot_advanced_land_once(source: Source, catalogue: Catalog) -> None:
    load(source, catalogue)
    source.run("INSERT INTO stock VALUES ('c', 3, NULL)")
    failpoints.arm("postgres.before_advance:1:error")
    try:
        with pytest.raises(BoathouseError, match=r"postgres\.before_advance"):
            load(source, catalogue)
    finally:
        failpoints.arm("")
    assert load(source, catalogue) == 0
    assert [row["_op"] for row in landed(source, catalogue, "stock")] == ["r", "r", "c"]


def test_a_stopped_table_is_copied_anew_beside_what_it_held(source: Source, catalogue: Catalog) -> None:
    load(source, catalogue)
    source.run("ALTER TABLE stock ALTER shop TYPE text", "INSERT INTO stock VALUES ('c', 'three', NULL)")
    bronze, name = IcebergBronze(catalogue), f"pg_{source.settings.postgres_slot}_stock"
    assert (
        "column shop changed its type"
        in pull(source.settings, bronze).stopped[f"{source.settings.postgres_slot}.stock"]
    )
    assert load(source, catalogue) == 0
    ask_anew(bronze, name, new_load_id())
    assert load(source, catalogue) == 4
    rows = landed(source, catalogue, "stock")
    assert [(row["_op"], row["sku"], row["shop"]) for row in rows[2:]] == [
        ("t", None, None),
        ("r", "a", "1"),
        ("r", "b", "2"),
        ("r", "c", "three"),
    ]
    assert [row[name] for row in rows for name in row if name.startswith("shop__until_")] == [
        1,
        2,
        None,
        None,
        None,
        None,
    ]
    source.run("DELETE FROM stock WHERE sku = 'c'")
    assert load(source, catalogue) == 1
    assert all(proof.agrees for proof in prove(source.settings, catalogue) if name in proof.table)
