"""One trial: changes, a reader that is killed on the way, a reader that isn't, and the two sides compared."""

import signal
import time
from collections import Counter
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr
from pyiceberg.catalog import Catalog

from lake.catalogue import find_table, open_catalogue
from lake.commits import last_mark
from lake.settings import Settings
from pipelines.postgres import WRITER
from pipelines.postgres.api import SESSION, lsn_to_int
from pipelines.postgres.claims import Cursor
from tests.chaos.oracle import differences, state_of_bronze, state_of_source
from tests.chaos.reader import start
from tests.chaos.workload import KEYS, Workload, run

FOLLOWING = ("cdc.before_status_update", "cdc.after_state_before_ack")
COPYING = ("cdc.before_slot_create", "cdc.after_slot_before_copy", "cdc.during_copy", "cdc.after_copy_before_stream")
PATIENCE_SECONDS = 120
CLOCKS = (0, 0, -1)
"""By how many hours the clock of a reader is off."""


class Trials:
    """A database with a random workload, followed into the lake; ``schema`` keeps its tables apart from others."""

    def __init__(self, settings: Settings, admin_dsn: str, name: str, seed: int) -> None:
        self.admin_dsn, self.name = admin_dsn, name
        with psycopg.connect(admin_dsn, autocommit=True) as admin:
            run(admin, f"CREATE DATABASE {name}")
        self.dsn = make_conninfo(admin_dsn, dbname=name)
        self.main, self.other = self._connection(), self._connection()
        self.workload = Workload(seed, self.main, self.other)
        update = {
            "postgres_dsn": SecretStr(self.dsn),
            "postgres_slot": name,
            "postgres_publication": name,
            "postgres_flush_interval": 0.05,
            "postgres_flush_rows": 40,
            "failpoint": "",
        }
        self.settings = settings.model_copy(update=update)
        self.catalogue: Catalog = open_catalogue(self.settings)
        self.late = 0
        self.compared, self.slowest = 0, 0.0

    def connect(self) -> None:
        """Connect again, after the server went away."""
        self.main.close()
        self.other.close()
        self.main, self.other = self._connection(), self._connection()
        self.workload.main, self.workload.other = self.main, self.other

    def close(self) -> None:
        """Drop the database and what it has on the server."""
        self.main.close()
        self.other.close()
        with psycopg.connect(self.admin_dsn, autocommit=True) as admin:
            ended = "SELECT pg_terminate_backend(active_pid, 10000) FROM pg_replication_slots WHERE database = %s"
            admin.execute(ended, (self.name,))
            slots = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = %s"
            admin.execute(slots, (self.name,))
            run(admin, f"DROP DATABASE {self.name} WITH (FORCE)")

    def killed_at(self, failpoint: str, hit: int = 1) -> None:
        """Change something, kill a reader at a failpoint, and let another one finish."""
        self.prepare(failpoint)
        child = start(self.settings, following=failpoint in FOLLOWING, failpoint=f"{failpoint}:{hit}:kill")
        child.join(PATIENCE_SECONDS)
        assert child.exitcode == -signal.SIGKILL, f"{failpoint}: the reader ended with {child.exitcode}"
        self.confirmed_is_durable()
        self.workload.step()
        self.drain()
        self.compare()

    def prepare(self, failpoint: str) -> None:
        """Change every table, and make what the failpoint needs to be passed."""
        if failpoint in COPYING:
            self.late += 1
            table = f"late_{self.late}"
            run(self.main, f"CREATE TABLE {table} (id integer PRIMARY KEY); INSERT INTO {table} VALUES (1), (2)")
        for _ in range(6):
            self.workload.step()
        for table in KEYS:
            run(self.main, self.workload.change(table))
        run(
            self.main,
            "INSERT INTO parts SELECT n, 1 FROM generate_series(0, 60) n ON CONFLICT (id) DO UPDATE SET v = 7",
        )
        run(
            self.main,
            "INSERT INTO pairs (a, b) SELECT 9, 'b' || n FROM generate_series(1, 30) n "
            "ON CONFLICT (a, b) DO UPDATE SET v = 7",
        )
        if failpoint == "cdc.during_schema_change":
            run(self.main, f"ALTER TABLE parts ADD extra_{self.late} integer; UPDATE parts SET extra_{self.late} = 1")
            self.late += 1

    def drain(self) -> None:
        """Let a reader that isn't killed land everything."""
        began = time.monotonic()
        child = start(self.settings, following=False, hours=self.workload.choose.choice(CLOCKS))
        child.join(PATIENCE_SECONDS)
        assert child.exitcode == 0
        self.slowest = max(self.slowest, time.monotonic() - began)

    def compare(self) -> None:
        """Hold every table in bronze against the source: no row lost, doubled or wrong."""
        tables = dict(KEYS) | {f"late_{number + 1}": ("id",) for number in range(self.late)}
        there = {
            name for (name,) in self.main.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", (self.name,))
        }
        for table, key in tables.items():
            if table not in there:
                continue
            rows = self.landed(table)
            found = differences(state_of_source(self.main, table, key), state_of_bronze(rows, key))
            assert not found, f"{table}: {'; '.join(found[:3])}"
            self.compared += len(rows)
            places = Counter((row["_commit_lsn"], row["_ordinal"]) for row in rows)
            assert [place for place, count in places.items() if count > 1] == [], table

    def landed(self, table: str) -> list[dict[str, Any]]:
        """Read a table's rows in bronze."""
        found = find_table(self.catalogue, f"bronze.pg_{self.name}_{table}")
        return [] if found is None else list(found.scan().to_arrow().to_pylist())

    def confirmed_is_durable(self) -> None:
        """Check that the slot was never confirmed beyond what a durable mark says was read."""
        query = "SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = %s"
        row = self.main.execute(query, (self.name,)).fetchone()
        marks = [last_mark(table, WRITER) for name in KEYS if (table := self._table(name)) is not None]
        read_to = [Cursor.from_json(mark.cursor).read_to for mark in marks if mark is not None]
        if row is not None and read_to:
            assert lsn_to_int(row[0]) <= max(read_to)

    def _table(self, name: str) -> Any:
        return find_table(self.catalogue, f"bronze.pg_{self.name}_{name}")

    def _connection(self) -> psycopg.Connection[tuple[Any, ...]]:
        connection = psycopg.connect(self.dsn, autocommit=True)
        run(connection, f"{SESSION}; CREATE SCHEMA IF NOT EXISTS {self.name}; SET search_path = {self.name}")
        return connection
