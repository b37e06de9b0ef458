from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Event
from typing import Any, NamedTuple
from uuid import uuid4

import psycopg
import pyarrow as pa
import pytest
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from lake.commits import Mark
from lake.errors import CommitError
from lake.settings import Settings
from pipelines.postgres import pull
from pipelines.postgres.claims import Cursor
from pipelines.postgres.landing import Standing
from pipelines.postgres.rows import META

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


class Drafted:
    """Stands in for a draft: keeps parts by a number until they are landed."""

    def __init__(self, landed: "Landed", table: str, schema: pa.Schema) -> None:
        self.landed, self.table, self.schema = landed, table, schema
        self.note = landed.notes.get(table)

    def write(self, rows: Iterable[pa.Table], at: datetime) -> tuple[str, ...]:
        name = uuid4().hex
        self.landed.parts[name] = list(rows)
        return (name,)

    def keep(self, note: str) -> None:
        self.landed.notes[self.table] = note

    def drop(self, parts: Iterable[str]) -> None:
        for name in parts:
            del self.landed.parts[name]

    def land(self, parts: Iterable[str], at: datetime, mark: Mark) -> None:
        rows = [batch for name in parts for batch in self.landed.parts[name]]
        self.landed.land(self.table, self.schema, rows, mark)
        self.landed.notes.pop(self.table, None)


class Landed:
    """Stands in for bronze: keeps rows and marks together; ``refuses`` names tables whose commits fail."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.batches: dict[str, list[pa.Table]] = {}
        self.tables: dict[str, Rows] = {}
        self.marks: dict[str, Mark] = {}
        self.parts: dict[str, list[pa.Table]] = {}
        self.notes: dict[str, str] = {}
        self.refuses: set[str] = set()
        self.refused = 0
        self.stopped: dict[str, str] = {}
        self.changed = Event()

    def standing(self, table: str) -> Standing | None:
        if table not in self.marks:
            return None
        schema = pa.unify_schemas([batch.schema for batch in self.batches[table]], promote_options="permissive")
        types = {field.name: field.type for field in schema if field.name not in META}
        return Standing(Cursor.from_json(self.marks[table].cursor), types)

    def note(self, table: str) -> str | None:
        return self.notes.get(table)

    def draft(self, table: str, schema: pa.Schema) -> "Drafted":
        return Drafted(self, table, schema)

    def land(self, table: str, schema: pa.Schema, rows: Iterable[pa.Table], mark: Mark) -> None:
        batches = list(rows)
        if table in self.refuses:
            self.refused += 1
            raise CommitError(f"{table} is refused")
        self.batches.setdefault(table, []).extend(batches or [schema.empty_table()])
        self.tables.setdefault(table, []).extend(row for batch in batches for row in batch.to_pylist())
        self.marks[table] = mark
        self.changed.set()

    def set_aside(self, table: str, columns: Iterable[str]) -> None:
        kept = [name for name in self.batches[table][0].schema.names if name not in columns]
        self.batches[table] = [batch.select(kept) for batch in self.batches[table]]

    def goes_on(self, *_: object) -> None:
        """Tell nothing: what the tables were read from isn't kept here."""

    def load(self, settings: Settings | None = None) -> int:
        counted = pull(settings or self.settings, self)
        self.stopped = counted.stopped
        return sum(counted.rows.values())

    def current(self, table: str, key: str) -> dict[Any, dict[str, Any]]:
        """Fold a table to its current state, as silver does."""
        state: dict[Any, dict[str, Any]] = {}
        for row in sorted(self.tables[table], key=lambda row: (row["_commit_lsn"], row["_ordinal"])):
            if row["_op"] == "t":
                state.clear()
            elif row["_op"] == "d":
                # A copy that went on later may lack a row whose deletion is still to come.
                state.pop(row[key], None)
            else:
                before = state.get(row[key], {})
                kept = {name: before[name] for name in row["_unchanged"]}
                state[row[key]] = {k: v for k, v in row.items() if k[0] != "_"} | kept
        return state


@contextmanager
def database(settings: Settings, admin_dsn: str) -> Iterator[Source]:
    """Make a database on the server at ``admin_dsn``, and drop it with its slots."""
    name = f"t{uuid4().hex[:12]}"
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        dsn = make_conninfo(admin_dsn, dbname=name)
        update = {"postgres_dsn": SecretStr(dsn), "postgres_slot": name, "postgres_publication": name}
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("SET timezone = 'UTC'")
            yield Source(settings.model_copy(update=update), connection)
        admin.execute(
            "SELECT pg_terminate_backend(active_pid, 10000) FROM pg_replication_slots WHERE database = %s", (name,)
        )
        admin.execute(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = %s", (name,)
        )
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def source(settings: Settings, admin_dsn: str) -> Iterator[Source]:
    with database(settings, admin_dsn) as made:
        yield made


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
