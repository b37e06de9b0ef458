"""The reader of database changes in a process of its own, to be killed at a failpoint."""

import multiprocessing
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from threading import Event

import time_machine
from botocore import auth

from lake import failpoints
from lake.catalogue import open_catalogue
from lake.errors import BoathouseError
from lake.handover import dump, load
from lake.settings import Settings
from pipelines.postgres import IcebergBronze, pull
from pipelines.postgres.continuous import follow

# A forked server that has imported everything: its children start in no time, and share no thread with the test.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["tests.chaos.reader"])


def start(settings: Settings, *, following: bool, failpoint: str = "", hours: int = 0) -> BaseProcess:
    """Start a reader: up to the log's end, or ``following`` until a signal ends it; its clock is ``hours`` off."""
    process = SERVER.Process(target=_read, args=(dump(settings), following, failpoint, hours))
    process.start()
    return process


@contextmanager
def clock_off(hours: int) -> Iterator[None]:
    """Have this process's clock ``hours`` off, but not in the signatures of its requests: a store refuses those."""
    signed = auth.get_current_datetime  # type: ignore[attr-defined]
    auth.get_current_datetime = lambda: time_machine.escape_hatch.datetime.datetime.utcnow()  # type: ignore[attr-defined]
    try:
        with time_machine.travel(datetime.now(UTC) + timedelta(hours=hours)):
            yield
    finally:
        auth.get_current_datetime = signed  # type: ignore[attr-defined]


def _read(settings: str, following: bool, failpoint: str, hours: int) -> None:
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    failpoints.arm(failpoint)
    read = load(settings)
    try:
        with clock_off(hours):
            bronze = IcebergBronze(open_catalogue(read))
            if following:
                follow(read, bronze, stop)
            else:
                pull(read, bronze)
    except BoathouseError as error:
        print(f"reader: {error}", file=sys.stderr)
        sys.exit(1)
