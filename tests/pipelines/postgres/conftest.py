from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from lake.commits import Mark
from lake.settings import Settings
from pipelines.postgres import confirm
from pipelines.postgres.reading import Loaded, plan_load, read_load

AT = datetime(1997, 1, 1, tzinfo=UTC)
Rows = list[dict[str, Any]]


class Source(NamedTuple):
    """A database of the test's own, with a slot and a publication named like it."""

    settings: Settings
    connection: psycopg.Connection[tuple[Any, ...]]

    def run(self, *statements: str) -> None:
        for statement in statements:
            self.connection.execute(statement.encode())

    def transaction(self, *statements: str) -> None:
        with self.connection.transaction():
            self.run(*statements)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query.encode()).fetchall()

    @property
    def confirmed(self) -> str:
        name = self.settings.postgres_slot
        query = f"SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = '{name}'"
        return str(self.rows(query)[0][0])


class Landed:
    """Stands in for bronze: keeps the rows and marks of loads that were committed as a whole."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.tables: dict[str, Rows] = {}
        self.marks: dict[str, Mark] = {}

    @property
    def cursors(self) -> dict[str, str | None]:
        return {table: mark.cursor for table, mark in self.marks.items()}

    def read(self, settings: Settings | None = None) -> Iterator[Loaded]:
        used = settings or self.settings
        return read_load(used, plan_load(used, self.cursors), uuid4().hex, AT)

    def commit(self, loaded: Iterator[Loaded], only: str | None = None) -> int:
        count = 0
        for part in list(loaded):
            if part.batch is not None and only in (None, part.table):
                self.tables.setdefault(part.table, []).extend(part.batch.to_pylist())
                count += part.batch.num_rows
            if part.mark is not None and only in (None, part.table):
                self.marks[part.table] = part.mark
        return count

    def load(self, settings: Settings | None = None) -> int:
        count = self.commit(self.read(settings))
        confirm(settings or self.settings, self.cursors)
        return count

    def current(self, table: str, key: str) -> dict[Any, dict[str, Any]]:
        """Fold a table to its current state, as silver does."""
        state: dict[Any, dict[str, Any]] = {}
        for row in sorted(self.tables[table], key=lambda row: (row["_commit_lsn"], row["_ordinal"])):
            if row["_op"] == "t":
                state.clear()
            elif row["_op"] == "d":
                state.pop(row[key])
            else:
                before = state.get(row[key], {})
                kept = {name: before[name] for name in row["_unchanged"]}
                state[row[key]] = {k: v for k, v in row.items() if k[0] != "_"} | kept
        return state


@pytest.fixture
def source(settings: Settings, admin_dsn: str) -> Iterator[Source]:
    name = f"t{uuid4().hex[:12]}"
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        dsn = make_conninfo(admin_dsn, dbname=name)
        update = {"postgres_dsn": SecretStr(dsn), "postgres_slot": name, "postgres_publication": name}
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("SET timezone = 'UTC'")
            yield Source(settings.model_copy(update=update), connection)
        admin.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = %s", (name,)
        )
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def landed(source: Source) -> Landed:
    return Landed(source.settings)


@pytest.fixture
def stock(source: Source, landed: Landed) -> Callable[[], list[tuple[Any, ...]]]:
    """A table of two rows that was loaded once; gives (op, sku, on_hand) of what was read since."""
    source.run(
        "CREATE TABLE stock (sku text PRIMARY KEY, on_hand integer, note text)",
        "ALTER TABLE stock ALTER note SET STORAGE EXTERNAL",
        "INSERT INTO stock VALUES ('a', 1, 'first'), ('b', 2, repeat('long ', 2000))",
    )
    landed.load()
    landed.tables["pg_public_stock"].clear()

    def read() -> list[tuple[Any, ...]]:
        landed.load()
        rows = landed.tables["pg_public_stock"]
        return [(row["_op"], row["sku"], row["on_hand"]) for row in rows]

    return read
