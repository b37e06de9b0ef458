"""What no message tells of: other tables under a name, a publication that changed, partitions that came and went."""

from typing import Any

import pytest
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from lake.errors import SourceError
from pipelines.postgres.preflight import inspect
from tests.pipelines.postgres.conftest import Landed, Source

PARTITIONED = (
    "CREATE TABLE a (id integer PRIMARY KEY, v text) PARTITION BY RANGE (id)",
    *(f"CREATE TABLE a{i} PARTITION OF a FOR VALUES FROM ({i}0) TO ({i + 1}0)" for i in range(3)),
    "INSERT INTO a SELECT n, 'v' || n FROM generate_series(0, 29, 5) n",
)


def compare(source: Source, landed: Landed) -> None:
    """Load, and hold bronze's current state against the source."""
    landed.load()
    found = {key: row.get("v") for key, row in landed.current("pg_public_a", "id").items()}
    assert found == dict(source.rows("SELECT id, v FROM public.a"))
    assert landed.stopped == {}


def copies(landed: Landed) -> int:
    return [row["_op"] for row in landed.tables["pg_public_a"]].count("t")


@pytest.fixture
def table(source: Source, landed: Landed) -> Source:
    source.run("CREATE TABLE a (id integer PRIMARY KEY, v text)", "INSERT INTO a VALUES (1, 'one'), (2, 'two')")
    return source


@pytest.fixture(params=["true", "false"])
def parts(source: Source, landed: Landed, request: pytest.FixtureRequest) -> Source:
    """A table with partitions that was loaded, of which the publication speaks as one or one by one."""
    name = source.settings.postgres_publication
    source.run(*PARTITIONED)
    source.run(f"CREATE PUBLICATION {name} FOR TABLE a WITH (publish_via_partition_root = {request.param})")
    landed.load()
    return source


PUBLICATIONS: dict[str, tuple[str, ...]] = {
    "made anew": ("DROP PUBLICATION p", "CHANGE", "CREATE PUBLICATION p FOR TABLE a"),
    "taken out and put back": ("ALTER PUBLICATION p DROP TABLE a", "CHANGE", "ALTER PUBLICATION p ADD TABLE a"),
    "told less for a while": (
        "ALTER PUBLICATION p SET (publish = 'insert')",
        "CHANGE",
        "ALTER PUBLICATION p SET (publish = 'insert, update, delete, truncate')",
    ),
    "told of fewer rows for a while": (
        "ALTER PUBLICATION p SET TABLE a WHERE (id < 2)",
        "CHANGE",
        "ALTER PUBLICATION p SET TABLE a",
    ),
}


@pytest.mark.parametrize("steps", PUBLICATIONS.values(), ids=PUBLICATIONS.keys())
def test_what_a_publication_left_out_for_a_while_is_copied(
    table: Source, landed: Landed, steps: tuple[str, ...]
) -> None:
    landed.load()
    for step in steps:
        if step == "CHANGE":
            table.run("INSERT INTO a VALUES (3, 'three')", "DELETE FROM a WHERE id = 2")
        else:
            table.run(step.replace("PUBLICATION p", f"PUBLICATION {table.settings.postgres_publication}"))
    table.run("INSERT INTO a VALUES (4, 'four')")
    compare(table, landed)
    assert copies(landed) == 1
    table.run("INSERT INTO a VALUES (5, 'five')")
    compare(table, landed)
    assert copies(landed) == 1


def test_a_column_that_joins_the_publication_comes_with_its_values(table: Source, landed: Landed) -> None:
    name = table.settings.postgres_publication
    table.run(f"CREATE PUBLICATION {name} FOR TABLE a (id)")
    landed.load()
    table.run(f"ALTER PUBLICATION {name} SET TABLE a", "INSERT INTO a VALUES (3, 'three')")
    compare(table, landed)


@pytest.mark.parametrize("published", ["FOR ALL TABLES", "FOR TABLES IN SCHEMA public"])
def test_another_table_under_the_name_is_another_table(table: Source, landed: Landed, published: str) -> None:
    table.run(f"CREATE PUBLICATION {table.settings.postgres_publication} {published}")
    landed.load()
    table.run("DROP TABLE a", "CREATE TABLE a (id integer PRIMARY KEY, v text)", "INSERT INTO a VALUES (2, 'new')")
    compare(table, landed)
    table.run("CREATE TABLE b (id integer PRIMARY KEY, v text)", "INSERT INTO b VALUES (7, 'seven')")
    landed.load()
    table.transaction("ALTER TABLE a RENAME TO old", "ALTER TABLE b RENAME TO a")
    table.run("INSERT INTO a VALUES (8, 'eight')")
    compare(table, landed)


LEAVES = {
    "emptied": ["TRUNCATE a0"],
    "dropped": ["DROP TABLE a1"],
    "detached": ["ALTER TABLE a DETACH PARTITION a2"],
    "attached": [
        "CREATE TABLE b (id integer PRIMARY KEY, v text); INSERT INTO b VALUES (55, 'before')",
        "ALTER TABLE a ATTACH PARTITION b FOR VALUES FROM (50) TO (60)",
    ],
    "made, filled and attached at once": [
        "BEGIN; CREATE TABLE b (id integer PRIMARY KEY, v text); INSERT INTO b VALUES (55, 'before'); "
        "ALTER TABLE a ATTACH PARTITION b FOR VALUES FROM (50) TO (60); COMMIT"
    ],
    "attached with its own": [
        "CREATE TABLE b (id integer PRIMARY KEY, v text) PARTITION BY RANGE (id)",
        "CREATE TABLE b1 PARTITION OF b FOR VALUES FROM (50) TO (55); INSERT INTO b VALUES (51, 'before')",
        "ALTER TABLE a ATTACH PARTITION b FOR VALUES FROM (50) TO (60)",
    ],
}


@pytest.mark.parametrize("steps", LEAVES.values(), ids=LEAVES.keys())
def test_rows_that_come_or_go_with_a_partition_are_copied(parts: Source, landed: Landed, steps: list[str]) -> None:
    parts.run(*steps)
    compare(parts, landed)
    assert copies(landed) == 1
    compare(parts, landed)
    assert copies(landed) == 1


def test_a_new_partition_is_followed_and_nothing_is_copied(parts: Source, landed: Landed) -> None:
    parts.run("CREATE TABLE a3 PARTITION OF a FOR VALUES FROM (30) TO (40)", "ALTER TABLE a3 OWNER TO CURRENT_USER")
    parts.run("INSERT INTO a VALUES (33, 'new')", "UPDATE a SET id = 34 WHERE id = 5")
    compare(parts, landed)
    assert copies(landed) == 0


def test_a_new_partition_that_the_role_may_not_read_is_followed_too(source: Source, landed: Landed) -> None:
    role, settings = f"reader_{source.settings.postgres_slot}", source.settings
    assert settings.postgres_dsn is not None
    source.run(*PARTITIONED, f"CREATE ROLE {role} LOGIN REPLICATION PASSWORD 'r'")
    source.run(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    source.run(
        f"CREATE PUBLICATION {settings.postgres_publication} FOR TABLE a WITH (publish_via_partition_root = true)"
    )
    dsn = make_conninfo(settings.postgres_dsn.get_secret_value(), user=role, password="r")
    reader = settings.model_copy(update={"postgres_dsn": SecretStr(dsn)})
    try:
        landed.load(reader)
        source.run("CREATE TABLE a3 PARTITION OF a FOR VALUES FROM (30) TO (40)", "INSERT INTO a VALUES (33, 'new')")
        assert landed.load(reader) == 1
    finally:
        source.run(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_rows_of_several_partitions_land_once_after_a_death(
    parts: Source, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts.run(*(f"INSERT INTO a VALUES ({key}, 'new')" for key in (1, 11, 2, 3)))

    def dies(*_: Any) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as dying:
        dying.setattr("pipelines.postgres.following.advance", dies)
        with pytest.raises(RuntimeError, match="killed"):
            landed.load()
    compare(parts, landed)
    places = [(row["_commit_lsn"], row["_ordinal"]) for row in landed.tables["pg_public_a"]]
    assert len(places) == len(set(places))


def test_a_table_is_published_without_those_that_inherit_from_it(table: Source, landed: Landed) -> None:
    table.run("CREATE TABLE child () INHERITS (a)", "INSERT INTO child VALUES (7, 'seven')")
    landed.load()
    table.run("UPDATE child SET v = 'user'", "DELETE FROM a")
    assert table.rows("SELECT count(*) FROM a") == [(0,)]


@pytest.mark.parametrize("identity", ["NOTHING", "USING INDEX a1_v"])
def test_a_table_with_a_partition_that_could_not_be_updated_is_refused_by_name(
    source: Source, landed: Landed, identity: str
) -> None:
    source.run(*PARTITIONED, "ALTER TABLE a1 ALTER v SET NOT NULL", "CREATE UNIQUE INDEX a1_v ON a1 (v)")
    source.run(f"ALTER TABLE a1 REPLICA IDENTITY {identity}", "CREATE TABLE b (id integer PRIMARY KEY)")
    named = source.settings.model_copy(update={"postgres_tables": ["public.a"]})
    with pytest.raises(
        SourceError, match=r"a1, whose replica identity lacks the key \(id\); run in the database: "
    ) as said:
        landed.load(named)
    found = [one for one in inspect(source.settings)[1] if "public.a " in one.said]
    assert len(found) == 1
    assert found[0].sql in str(said.value)
    landed.load()
    assert landed.tables.keys() == {"pg_public_b"}
    source.run("UPDATE a SET v = 'user' WHERE id = 10", found[0].sql)
    landed.load(named)
    assert len(landed.tables["pg_public_a"]) == 6


def test_where_every_table_has_stopped_the_server_may_forget(table: Source, landed: Landed) -> None:
    table.run("ALTER TABLE a ADD n integer")
    landed.load()
    table.run("ALTER TABLE a ALTER n TYPE date USING NULL", "INSERT INTO a VALUES (3, 'three', '2024-01-01')")
    table.run("CREATE TABLE noise (x text)")
    landed.load()
    assert landed.stopped
    before = table.confirmed
    table.run("INSERT INTO noise SELECT repeat(md5(n::text), 30) FROM generate_series(1, 30000) n")
    landed.load()
    assert table.confirmed != before
