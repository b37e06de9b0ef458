"""What every test may ask for: the embedded services, started once a session."""

import fcntl
import os
import shutil
import signal
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra import local
from lake.models import read_models, upstream
from lake.settings import Settings
from lake.transforms import transform
from lake.warehouse import PROJECT, open_project

Once = Callable[[str, Callable[[Path], object]], Path]
StateIn = Callable[[Path], Path]
ProjectOf = Callable[..., Path]

# SQLMesh forks workers to parse its models. A process of tests has threads of many libraries, whose locks a fork may
# find held for ever; SQLMesh reads this when it is imported.
os.environ.setdefault("MAX_FORK_WORKERS", "1")

# A runner in the background is started with Ctrl-C ignored, and whatever a test starts would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Files that take a minute or more, begun first so that all processes of tests end together.
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
    "test_types.py",
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
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Make folders that all processes of a session of tests share: whoever asks first for a name fills its folder."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent

    def made(name: str, fill: Callable[[Path], object]) -> Path:
        folder, done = shared / f"once-{name}", shared / f"once-{name}.done"
        with (shared / f"once-{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                fill(folder)
                done.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def state_in(once: Once) -> StateIn:
    """Make state folders in which SQLMesh finds the models parsed, which takes it many seconds."""

    def fill(folder: Path) -> None:
        with warnings.catch_warnings(action="ignore"), open_project(_state(folder), {}):
            pass

    return lambda folder: _copied(once("parsed", fill) / "sqlmesh-cache", folder / "sqlmesh-cache").parent


@pytest.fixture(scope="session")
def built_in(once: Once, state_in: StateIn) -> StateIn:
    """Make state folders with a warehouse that was built of no bronze, for what doesn't begin with the first build."""

    def fill(folder: Path) -> None:
        with warnings.catch_warnings(action="ignore"):
            transform(_state(state_in(folder)), {})

    return lambda folder: _copied(once("built", fill), folder)


@pytest.fixture
def project_of(tmp_path: Path) -> ProjectOf:
    """Copy the project with the models named and those that they are made of alone: a small one is built soon."""

    def copied(*names: str) -> Path:
        project, models = tmp_path / "project", read_models()
        kept = frozenset[str]().union(*(upstream(models, name) for name in names))
        shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns(".cache", "logs", "tests", "__pycache__"))
        for other in models.keys() - kept:
            (project / models[other].file).unlink()
        return project

    return copied


def _state(folder: Path) -> Settings:
    return Settings(_env_file=None, state_dir=folder)


def _copied(source: Path, target: Path) -> Path:
    shutil.copytree(source, target, dirs_exist_ok=True)
    return target
