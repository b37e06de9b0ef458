"""Transactions in two phases: what is prepared counts from its commit on, or never."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lake.settings import Settings
from tests.chaos import servers
from tests.pipelines.postgres.conftest import Landed, Source, database


@pytest.fixture
def source(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    """A database on a server of its own that lets transactions be prepared."""
    monkeypatch.setitem(servers.OPTIONS, "max_prepared_transactions", "4")
    with servers.running(servers.EMBEDDED, tmp_path) as server, database(settings, server.dsn) as made:
        yield made


def prepare(source: Source, name: str, *statements: str) -> None:
    source.run("BEGIN", *statements, f"PREPARE TRANSACTION '{name}'")


def test_a_prepared_transaction_lands_with_its_commit_and_never_when_it_is_rolled_back(
    source: Source, landed: Landed
) -> None:
    source.run("CREATE TABLE stock (sku text PRIMARY KEY, pieces integer)", "INSERT INTO stock VALUES ('a', 1)")
    landed.load()
    landed.tables["pg_public_stock"].clear()

    prepare(source, "kept", "UPDATE stock SET pieces = 2", "INSERT INTO stock VALUES ('b', 2)")
    prepare(source, "dropped", "INSERT INTO stock VALUES ('c', 3)")
    source.run("INSERT INTO stock VALUES ('d', 4)")
    landed.load()
    assert [(row["_op"], row["sku"]) for row in landed.tables["pg_public_stock"]] == [("c", "d")]

    source.run("COMMIT PREPARED 'kept'", "ROLLBACK PREPARED 'dropped'")
    landed.load()
    landed.load()
    rows = landed.tables["pg_public_stock"]
    assert [(row["_op"], row["sku"], row["pieces"]) for row in rows] == [("c", "d", 4), ("u", "a", 2), ("c", "b", 2)]
    places = [(row["_commit_lsn"], row["_ordinal"]) for row in rows]
    assert places == sorted(set(places))
