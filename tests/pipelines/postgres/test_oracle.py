"""After every few steps of a random workload bronze folds to what the source holds, and to every state between."""

from typing import cast

import psycopg
import pyarrow as pa
import pytest

from pipelines.postgres.api import SESSION, lsn_to_int
from tests.chaos.oracle import State, differences, state_of_bronze, state_of_silver, state_of_source
from tests.chaos.silver import fold
from tests.chaos.workload import KEYS, Workload
from tests.pipelines.postgres.conftest import Landed, Source

STEPS, LOADS = 12, 8
CLOCK_BACK = 2


def backwards(changes: pa.Table) -> pa.Table:
    """The same changes, as if the server's clock had gone backwards all the time."""
    place = changes.schema.get_field_index("_commit_at")
    return changes.set_column(
        place, changes.schema.field(place), changes["_commit_at"].take(pa.array(range(len(changes))[::-1]))
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_bronze_folds_to_the_source_and_to_every_state_between(source: Source, landed: Landed, seed: int) -> None:
    assert source.settings.postgres_dsn is not None
    with psycopg.connect(source.settings.postgres_dsn.get_secret_value(), autocommit=True) as other:
        workload = Workload(seed, source.connection, other)
        source.run(SESSION, "SET search_path = public")
        states: list[tuple[int, str, State]] = []
        for _ in range(STEPS):
            workload.step()
        landed.load()
        workload.unseen.clear()
        for _ in range(LOADS):
            for _ in range(STEPS):
                workload.step()
                ((lsn,),) = source.rows("SELECT pg_current_wal_insert_lsn()::text")
                for table in KEYS.keys() - workload.unseen:
                    states.append(
                        (lsn_to_int(cast(str, lsn)), table, state_of_source(source.connection, table, KEYS[table]))
                    )
            landed.load()
            assert landed.stopped == {}
            workload.unseen.clear()
            for table, key in KEYS.items():
                expected = state_of_source(source.connection, table, key)
                found = state_of_bronze(landed.tables[f"pg_public_{table}"], key)
                assert differences(expected, found) == [], table
    for position, table, expected in states:
        found = state_of_bronze(landed.tables[f"pg_public_{table}"], KEYS[table], position)
        assert differences(expected, found) == [], f"{table} at {position}"
    for table, key in KEYS.items():
        changes = pa.concat_tables(landed.batches[f"pg_public_{table}"], promote_options="permissive")
        silver = fold("rows_now", backwards(changes) if seed == CLOCK_BACK else changes, key)
        expected = state_of_source(source.connection, table, key)
        assert differences(expected, state_of_silver(silver, key)) == [], f"silver of {table}"
    assert {row["_op"] for rows in landed.tables.values() for row in rows} == set("rcudt")
    assert any(row["_unchanged"] for rows in landed.tables.values() for row in rows)
    for rows in landed.tables.values():
        places = [(row["_commit_lsn"], row["_ordinal"]) for row in rows]
        assert len(set(places)) == len(places)
