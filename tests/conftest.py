"""What every test may ask for: the embedded services, started once a session."""

import os
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra import local
from lake.settings import Settings
from lake.warehouse import open_project

# SQLMesh forks workers to parse its models. A process of tests has threads of many libraries, whose locks a fork may
# find held for ever; SQLMesh reads this when it is imported.
os.environ.setdefault("MAX_FORK_WORKERS", "1")

# A runner in the background is started with Ctrl-C ignored, and whatever a test starts would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Files that take a minute or more, begun first so that two processes of tests end together.
LONGEST = (
    "journeys/test_killed_runs.py",
    "snowflake/test_bad_luck.py",
    "journeys/test_bad_luck.py",
    "sqlmesh/test_transforms.py",
    "journeys/test_environments.py",
    "snowflake/test_equality.py",
    "pipelines/chaos/test_convergence.py",
    "journeys/test_whole_way.py",
    "journeys/test_busy_store.py",
    "snowflake/test_environments.py",
    "sqlmesh/test_lanes.py",
    "sqlmesh/test_increments.py",
    "boathouse/test_gates.py",
    "mutation/test_mutation.py",
    "journeys/test_own_services.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of running services with empty data; take a namespace, schema or key of your own in them."""
    plain = Settings(_env_file=None, state_dir=tmp_path_factory.mktemp("state"))
    try:
        with local.running(plain, only={"seaweedfs", "postgres", "valkey"}) as live:
            yield live
    finally:
        local.remove_all(plain)


@pytest.fixture(scope="session")
def admin_dsn(settings: Settings) -> str:
    """Address of the embedded Postgres as its administrator; make a database of your own in it."""
    return local.admin_dsn(settings)


@pytest.fixture(scope="session")
def state_in(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Make state folders in which SQLMesh finds the models parsed, which it does once a session and takes seconds."""
    parsed = Settings(_env_file=None, state_dir=tmp_path_factory.mktemp("parsed"))
    with warnings.catch_warnings(action="ignore"), open_project(parsed, {}):
        pass

    def made(folder: Path) -> Path:
        shutil.copytree(parsed.state_dir / "sqlmesh-cache", folder / "sqlmesh-cache")
        return folder

    return made
