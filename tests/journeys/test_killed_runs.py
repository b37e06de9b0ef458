"""A run that is killed at every step in turn ends in the same release as one that never was."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra import local
from lake.catalogue import open_catalogue
from lake.failpoints import NAMES
from lake.releases import current_release
from tests.journeys.conftest import User, leave

# In the order in which a run passes them; each run goes on from what the one before it left.
STEPS = (
    "services.started",
    "sandbox.started",
    "commit.after",
    "postgres.slot_created",
    "prove.before",
    "drift.before",
    "drift.recorded",
    "transform.before",
    "transform.model:7",
    "transform.after",
    "publish.before",
    "publish.table:3",
    "release.before",
    "release.after",
    "report.before",
)


# Passed in every load, where tests/pipelines/test_loads.py kills; only when Postgres had changes to confirm, where
# tests/pipelines/postgres does; at every answer of a vendor and in a repair, where tests/pipelines/chaos does; between
# the statements of a transform, where tests/chaos does; and while Debezium's events are read, where
# tests/pipelines/debezium does.
ELSEWHERE = {
    "ingest.extracted",
    "ingest.normalized",
    "commit.before",
    "ingest.loaded",
    "postgres.before_advance",
    "postgres.copy_noted",
    "ingest.answered",
    "repair.landed",
    "debezium.landed",
} | {name for name in NAMES if name.startswith(("cdc.", "transform."))}


def test_every_failpoint_is_one_of_the_steps() -> None:
    assert {step.partition(":")[0] for step in STEPS} | ELSEWHERE == NAMES


@pytest.fixture
def places(tmp_path: Path, state_in: Callable[[Path], Path]) -> Iterator[tuple[User, User]]:
    """Two users with the same small shop."""
    users = (User(tmp_path / "killed", {"sandbox_orders": "150"}), User(tmp_path / "calm", {"sandbox_orders": "150"}))
    try:
        for user in users:
            state_in(user.state.state_dir)
        yield users
    finally:
        for user in users:
            leave(user)


def content(user: User) -> tuple[str, dict[str, int]]:
    """Give the current release's content and how many rows every bronze table holds."""
    with local.running(user.state, only={"seaweedfs"}) as live:
        catalogue = open_catalogue(live)
        release = current_release(catalogue)
        assert release is not None
        names = catalogue.list_tables("bronze")
        return release.content, {name[-1]: catalogue.load_table(name).scan().count() for name in names}


def test_a_run_killed_at_every_step_ends_in_the_same_release(places: tuple[User, User]) -> None:
    killed, calm = places
    for step in STEPS:
        name, _, hit = step.partition(":")
        done = killed.boathouse("run", failpoint=f"{name}:{hit or 1}:kill")
        assert done.returncode == -signal.SIGKILL, f"{step}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    done = killed.boathouse("run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert calm.boathouse("run").returncode == 0
    assert content(killed) == content(calm)
