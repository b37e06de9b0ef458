import signal
from collections.abc import Iterator
from uuid import uuid4

import pytest

from lake.catalogue import ensure_namespaces, open_catalogue
from lake.failpoints import NAMES
from lake.proofs import loads_of
from lake.settings import Settings
from pipelines.postgres.copying import RESUMED
from tests.chaos.oracle import differences, state_of_bronze, state_of_source
from tests.chaos.reader import start
from tests.chaos.trial import PATIENCE_SECONDS, Trials
from tests.chaos.workload import run

FAILPOINTS = sorted(name for name in NAMES if name.startswith("cdc."))


@pytest.fixture(scope="module")
def trials(settings: Settings, admin_dsn: str) -> Iterator[Trials]:
    ensure_namespaces(open_catalogue(settings))
    found = Trials(settings, admin_dsn, f"c{uuid4().hex[:10]}", seed=1997)
    try:
        yield found
    finally:
        found.close()


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_a_reader_killed_at_a_failpoint_loses_doubles_and_mistakes_nothing(trials: Trials, failpoint: str) -> None:
    if not trials.landed("items"):
        trials.killed_at("cdc.during_copy")
    trials.killed_at(failpoint)


def test_a_copy_whose_reader_is_killed_goes_on_with_what_is_left(trials: Trials) -> None:
    # One row a page: three ranges of 8 MiB and little to copy.
    run(trials.main, "CREATE TABLE wide (id integer PRIMARY KEY, v integer, filler text) WITH (fillfactor = 10)")
    run(trials.main, "INSERT INTO wide SELECT n, 1, repeat('x', 700) FROM generate_series(1, 3000) n")
    update = {"postgres_copy_note_interval": 0, "postgres_copy_workers": 1}
    child = start(trials.settings.model_copy(update=update), following=False, failpoint="postgres.copy_noted:2:kill")
    child.join(PATIENCE_SECONDS)
    assert child.exitcode == -signal.SIGKILL
    assert trials.landed("wide") == []
    run(trials.main, "UPDATE wide SET v = 2 WHERE id % 100 = 0")
    run(trials.main, "DELETE FROM wide WHERE id = 5")
    trials.drain()
    table = trials.catalogue.load_table(f"bronze.pg_{trials.name}_wide")
    first = loads_of(table)[0][0]
    assert (first.said_by, first.claim_count >= 3000) == (RESUMED, True)
    assert (
        differences(state_of_source(trials.main, "wide", ["id"]), state_of_bronze(trials.landed("wide"), ["id"])) == []
    )
