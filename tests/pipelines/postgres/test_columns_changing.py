from typing import Any

import pytest

from tests.pipelines.postgres.conftest import Landed, Source


@pytest.fixture
def table(source: Source, landed: Landed) -> Source:
    source.run(
        "CREATE TABLE a (id integer PRIMARY KEY, v integer, name varchar(10))",
        "INSERT INTO a VALUES (1, 10, 'one'), (2, 20, 'two'), (3, 30, 'three')",
    )
    landed.load()
    return source


# What is done to the table beside a change of row 1, and whether rows that didn't change hold other values after it.
CHANGES: list[tuple[str, bool]] = [
    ("ALTER TABLE a ADD w integer", False),
    ("ALTER TABLE a ADD w integer DEFAULT 7", True),
    ("ALTER TABLE a ADD w double precision DEFAULT random()", True),
    ("ALTER TABLE a ADD w integer GENERATED ALWAYS AS IDENTITY", True),
    ("ALTER TABLE a ADD w integer GENERATED ALWAYS AS (v * 2) STORED", False),
    ("ALTER TABLE a DROP v", False),
    ("ALTER TABLE a DROP v; ALTER TABLE a ADD v integer", True),
    ("ALTER TABLE a RENAME v TO w", True),
    ("ALTER TABLE a ADD w double precision NOT NULL DEFAULT random(); ALTER TABLE a ALTER w DROP DEFAULT", True),
    ("ALTER TABLE a ADD w integer DEFAULT 7; ALTER TABLE a ALTER w DROP DEFAULT; VACUUM FULL a", True),
    ("ALTER TABLE a ADD w integer GENERATED ALWAYS AS IDENTITY; ALTER TABLE a ALTER w DROP IDENTITY", True),
    ("ALTER TABLE a ALTER v TYPE bigint", True),
    ("ALTER TABLE a ALTER v TYPE bigint USING v * 10", True),
    ("ALTER TABLE a ALTER v TYPE smallint USING v / 5", True),
    ("ALTER TABLE a ALTER name TYPE text USING upper(name)", True),
    ("VACUUM FULL a", False),
    ("ALTER TABLE a ALTER name TYPE varchar(20)", False),
    ("ALTER TABLE a ALTER name TYPE text", False),
    ("ALTER TABLE a ALTER name TYPE varchar(3) USING left(name, 3)", True),
    ("ALTER TABLE a ALTER name TYPE integer USING length(name)", True),
    ("ALTER TABLE a ALTER v SET DEFAULT 5", False),
]


def rows_of(source: Source) -> dict[Any, dict[str, Any]]:
    source.run("SET search_path = public")
    cursor = source.connection.execute("SELECT * FROM a")
    names = [column.name for column in cursor.description or ()]
    return {row[0]: dict(zip(names, row, strict=True)) for row in cursor}


@pytest.mark.parametrize(("statement", "is_copied"), CHANGES)
def test_after_a_change_of_columns_every_row_is_as_in_the_source(
    table: Source, landed: Landed, statement: str, is_copied: bool
) -> None:
    table.run("INSERT INTO a VALUES (4, 40, 'four')", *statement.split("; "), "DELETE FROM a WHERE id = 1")
    landed.load()
    assert ([row["_op"] for row in landed.tables["pg_public_a"]].count("t") == 1) is is_copied
    table.run("DELETE FROM a WHERE id = 2")
    landed.load()
    assert landed.stopped == {}
    expected = rows_of(table)
    found = landed.current("pg_public_a", "id")
    names = set(expected[3]) & set(found[3])
    assert names == set(expected[3]) - {"w"} or "w" in names or "GENERATED ALWAYS AS (" in statement
    for key, row in expected.items():
        for name in names:
            assert str(found[key][name]) == str(row[name])
    assert found.keys() == expected.keys()
    assert [row["_op"] for row in landed.tables["pg_public_a"]].count("t") == int(is_copied)


@pytest.mark.parametrize(("statement", "is_copied"), CHANGES)
def test_after_a_change_of_columns_alone_every_row_is_as_in_the_source(
    table: Source, landed: Landed, statement: str, is_copied: bool
) -> None:
    table.run(*statement.split("; "))
    landed.load()
    landed.load()
    found = landed.current("pg_public_a", "id")
    for key, row in rows_of(table).items():
        for name in row.keys() & found[key].keys():
            assert str(found[key][name]) == str(row[name])
    assert [row["_op"] for row in landed.tables["pg_public_a"]].count("t") == int(is_copied)


# Columns that come and go, one step after the other: what row 2 holds, which never changes again, is what is asked.
STEPS = [
    ["ALTER TABLE a DROP v", "ALTER TABLE a ADD v integer"],
    ["ALTER TABLE a ADD w integer", "UPDATE a SET w = 5", "ALTER TABLE a DROP w", "ALTER TABLE a ADD w integer"],
    ["ALTER TABLE a ADD w integer", "UPDATE a SET w = 5", "ALTER TABLE a RENAME w TO x"],
    [
        *("ALTER TABLE a ADD w integer", "UPDATE a SET w = 5", "ALTER TABLE a RENAME w TO x"),
        *("ALTER TABLE a ADD w integer", "ALTER TABLE a ADD y integer"),
    ],
]


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("begins", [0, 1])
def test_a_column_that_comes_again_has_its_own_values_wherever_a_load_fell_between(
    table: Source, landed: Landed, steps: list[str], begins: int
) -> None:
    for split in (None, *range(1, len(steps))):
        table.run("DELETE FROM a WHERE id > 9", "INSERT INTO a (id) VALUES (10)")
        for place, step in enumerate(steps):
            if place == split:
                landed.load()
            # A row that changes before and after each, so that the stream describes the table as it is there.
            table.run(*["UPDATE a SET name = 'x' WHERE id = 3"] * begins, step)
            table.run(f"INSERT INTO a (id) VALUES ({20 + place})")
        landed.load()
        found = landed.current("pg_public_a", "id")
        for key, row in rows_of(table).items():
            assert {name: found[key][name] for name in row} == row, split
        for name in {"w", "x", "y"} & set(rows_of(table)[2]):
            table.run(f"ALTER TABLE a DROP {name}")


def test_two_changes_of_columns_in_one_transaction_with_rows_between(table: Source, landed: Landed) -> None:
    table.transaction(
        "ALTER TABLE a ADD w integer",
        "INSERT INTO a VALUES (4, 40, 'four', 4)",
        "ALTER TABLE a ADD x integer",
        "UPDATE a SET x = 5 WHERE id = 4",
        "ALTER TABLE a DROP w",
        "UPDATE a SET v = 41 WHERE id = 4",
    )
    landed.load()
    rows = [{k: v for k, v in row.items() if k[0] != "_"} for row in landed.tables["pg_public_a"][3:6]]
    assert rows == [
        {"id": 4, "v": 40, "name": "four", "w": 4, "x": None},
        {"id": 4, "v": 40, "name": "four", "w": 4, "x": 5},
        {"id": 4, "v": 41, "name": "four", "w": None, "x": 5},
    ]


def test_a_column_between_dropped_and_added_as_another_type_stops_the_table_and_no_other(
    table: Source, landed: Landed
) -> None:
    table.run("CREATE TABLE b (id integer PRIMARY KEY)")
    landed.load()
    table.run("ALTER TABLE a DROP v", "ALTER TABLE a ADD v date", "INSERT INTO a VALUES (4, 'four', '2024-01-01')")
    table.run("INSERT INTO b VALUES (1)")
    assert landed.load() == 1
    assert "column v changed its type from int32 to date32" in landed.stopped["public.a"]
    before = table.confirmed
    table.run("INSERT INTO b VALUES (2)", "INSERT INTO a VALUES (5, 'five', '2024-01-01')")
    assert landed.load() == 1
    assert list(landed.stopped) == ["public.a"]
    assert table.confirmed != before
    assert [row["id"] for row in landed.tables["pg_public_a"]] == [1, 2, 3]
