"""What silver makes of rows that landed: it holds what the source holds, whatever a key or a name is made of."""

import pyarrow as pa
import pytest

from tests.chaos.oracle import differences, state_of_silver, state_of_source
from tests.chaos.silver import fold
from tests.pipelines.postgres.conftest import Landed, Source

# A key's type, a value that Iceberg's twin holds and two that it doesn't.
KEYS = [
    ("date", "2026-01-01", "infinity", "-infinity"),
    ("timestamp", "2026-01-01", "infinity", "0044-03-15 BC"),
    ("timestamptz", "2026-01-01", "infinity", "-infinity"),
    ("numeric(5, 1)", "1.5", "NaN", "2.5"),
    ("time", "12:00", "24:00", "13:00"),
]


def wrong(source: Source, landed: Landed, table: str, *key: str) -> list[str]:
    """Say where the rows now, and the last version of each that isn't deleted, differ from the source's rows."""
    changes = pa.concat_tables(landed.batches[f"pg_public_{table}"], promote_options="permissive")
    expected = state_of_source(source.connection, table, key)
    versions = fold("row_versions", changes, key)
    last = [row for row in versions if row["_valid_to"] is None and not row["_is_deleted"]]
    return [
        line
        for rows in (fold("rows_now", changes, key), last)
        for line in differences(expected, state_of_silver(rows, key))
    ]


@pytest.mark.parametrize(("kind", "plain", "far", "other"), KEYS)
def test_keys_that_differ_in_values_that_iceberg_cannot_hold_are_rows_of_their_own(
    source: Source, landed: Landed, kind: str, plain: str, far: str, other: str
) -> None:
    source.run(f"CREATE TABLE price (until {kind} PRIMARY KEY, amount int, note text)")
    source.run("ALTER TABLE price ALTER note SET STORAGE EXTERNAL")
    rows = ", ".join(f"('{until}', 1, repeat('{until}', 900))" for until in (plain, far, other))
    source.run(f"INSERT INTO price VALUES {rows}")
    landed.load()
    source.run("UPDATE price SET amount = 2", f"DELETE FROM price WHERE until = '{other}'")
    landed.load()
    assert wrong(source, landed, "price", "until") == []


def test_a_long_value_follows_a_key_to_infinity_and_back(source: Source, landed: Landed) -> None:
    source.run("CREATE TABLE price (id int, until date, amount int, note text, PRIMARY KEY (id, until))")
    source.run("ALTER TABLE price ALTER note SET STORAGE EXTERNAL")
    source.run("INSERT INTO price SELECT 1, '2026-01-01', 1, repeat('first', 900)")
    landed.load()
    source.run("UPDATE price SET until = 'infinity'", "UPDATE price SET amount = 2")
    source.run("INSERT INTO price SELECT 1, '-infinity', 3, repeat('second', 900)")
    landed.load()
    assert wrong(source, landed, "price", "id", "until") == []
    source.run("UPDATE price SET until = '2026-02-01' WHERE until = 'infinity'", "UPDATE price SET amount = amount + 1")
    landed.load()
    assert wrong(source, landed, "price", "id", "until") == []


def test_a_text_in_a_key_has_no_column_beside_it_though_a_column_is_called_so(source: Source, landed: Landed) -> None:
    source.run("CREATE TABLE page (name text PRIMARY KEY, name__text text)", "INSERT INTO page VALUES ('a', 'one')")
    landed.load()
    source.run("UPDATE page SET name__text = 'two'")
    landed.load()
    [row] = fold("rows_now", pa.concat_tables(landed.batches["pg_public_page"]), ["name"])
    assert (row["name"], row["name__text"]) == ("a", "two")


def test_a_long_value_that_was_not_sent_is_kept_whatever_its_column_is_called(source: Source, landed: Landed) -> None:
    names = ["note", "Note of it", "Größe", 'with""quotes', "back\\slash", "new\nline", "it's"]
    source.run("CREATE TABLE odd (id int PRIMARY KEY, pieces int)")
    for name in names:
        source.run(f'ALTER TABLE odd ADD "{name}" text', f'ALTER TABLE odd ALTER "{name}" SET STORAGE EXTERNAL')
    source.run(f"INSERT INTO odd SELECT 1, 1{', long' * len(names)} FROM repeat('long', 900) AS long")
    landed.load()
    source.run("UPDATE odd SET pieces = 2")
    landed.load()
    assert len(landed.tables["pg_public_odd"][-1]["_unchanged"]) == len(names)
    assert wrong(source, landed, "odd", "id") == []
