"""The reader of database changes in a process of its own, to be killed at a failpoint."""

import multiprocessing
import signal
from multiprocessing.process import BaseProcess
from threading import Event

from lake import failpoints
from lake.catalogue import open_catalogue
from lake.handover import dump, load
from lake.settings import Settings
from pipelines.postgres import IcebergBronze, pull
from pipelines.postgres.continuous import follow

# A forked server that has imported everything: its children start in no time, and share no thread with the test.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["tests.chaos.reader"])


def start(settings: Settings, *, following: bool, failpoint: str = "") -> BaseProcess:
    """Start a reader: up to the log's end, or ``following`` until it is ended by a signal."""
    process = SERVER.Process(target=_read, args=(dump(settings), following, failpoint))
    process.start()
    return process


def _read(settings: str, following: bool, failpoint: str) -> None:
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    failpoints.arm(failpoint)
    read = load(settings)
    bronze = IcebergBronze(open_catalogue(read))
    if following:
        follow(read, bronze, stop)
    else:
        pull(read, bronze)
