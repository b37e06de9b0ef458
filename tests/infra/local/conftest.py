"""Starts of the embedded services in state folders of their own."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra import local
from lake.settings import Settings

Starter = Callable[..., subprocess.Popen[str]]

# What another process does: start, say so, then wait until it is told to leave.
PROGRAM = """
import sys
from pathlib import Path
from infra import local
from lake.settings import Settings
with local.running(Settings(_env_file=None, state_dir=Path(sys.argv[1])), only=sys.argv[2:]):
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Settings]:
    """Settings with a state folder in which nothing was ever started; all of it is removed afterwards."""
    settings = Settings(_env_file=None, state_dir=tmp_path / "state")
    yield settings
    local.remove_all(settings)


@pytest.fixture
def another_process(empty: Settings) -> Iterator[Starter]:
    """Start services in another process, which keeps them until its standard input ends."""
    started: list[subprocess.Popen[str]] = []

    def start(*names: str) -> subprocess.Popen[str]:
        argv = [sys.executable, "-c", PROGRAM, str(empty.state_dir), *names]
        process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def said_ready(process: subprocess.Popen[str]) -> bool:
    """Wait until the other process has its services, or fail with what it said when it ended."""
    assert process.stdout is not None
    if process.stdout.readline() == "ready\n":
        return True
    pytest.fail(process.communicate()[1])


def only_status(settings: Settings, name: str) -> local.Status:
    """Give the status of the service ``name``."""
    return next(status for status in local.status(settings) if status.name == name)
