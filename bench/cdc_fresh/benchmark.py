"""``cdc_fresh``: changes at a steady rate, followed as ``just up`` does, and seen by another reader in bronze."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

import psycopg
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from bench.cdc_drain.waiting import TABLE
from bench.cdc_fresh.reader import LOOK_SECONDS, Reader
from bench.cdc_fresh.writing import CHANGES, HELD, INSERTS, ROWS, UPDATES
from bench.freshness import Freshness, Spread
from bench.staging import staged
from infra import local
from lake.catalogue import open_catalogue
from lake.errors import ServiceError
from lake.handover import child
from lake.settings import Settings

CHANGED, RATE = 300_000, 5_000
PATIENCE_SECONDS = 60.0
FIRST = "INSERT INTO changes SELECT -1, 0, '', 0, 0, NULL, false, now()"
Say = Callable[[str], None]


def bench_cdc_fresh(settings: Settings, rows: int, pairs: int, peers: bool, say: Say) -> Freshness:
    """Make ``rows`` changes (300,000 when 0), 5,000 a second, ``pairs`` times over. There are no peers.

    Raises BoathouseError.
    """
    changed = max((rows or CHANGED) // CHANGES, 1) * CHANGES
    runs = []
    for turn in range(pairs):
        with staged(settings, say, {"seaweedfs", "postgres"}) as live:
            say(f"cdc_fresh: {turn + 1} of {pairs}")
            runs.append(_followed(live, changed))
    return Freshness("cdc_fresh", changed, RATE, settings.postgres_flush_interval, version("boathouse"), tuple(runs))


def _followed(live: Settings, changed: int) -> Spread:
    admin = local.admin_dsn(live)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute("CREATE DATABASE bench")
    dsn = make_conninfo(admin, dbname="bench")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(TABLE)
        connection.execute(ROWS, (0, HELD - 1))
    live = live.model_copy(update={"postgres_dsn": SecretStr(dsn)})
    with child("pipelines.postgres", live) as follower:
        reader = Reader(open_catalogue(live), follower.pid)
        _until(reader, HELD, follower)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(FIRST)
        _until(reader, HELD + 1, follower)
        reader.weights.clear()
        told = json.dumps({"dsn": dsn, "rows": changed, "rate": RATE})
        command = [sys.executable, "-m", "bench.cdc_fresh.writing"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:  # noqa: S603
            assert writer.stdin is not None
            assert writer.stdout is not None
            writer.stdin.write(told)
            writer.stdin.close()
            _until(reader, HELD + 1 + changed, follower)
            late = json.loads(writer.stdout.read())["late"]
    times = changed // CHANGES
    return reader.spread(live, INSERTS * times, UPDATES * times, late)


def _until(reader: Reader, rows: int, follower: subprocess.Popen[str]) -> None:
    """Look time and again until so many rows are visible."""
    last, since = -1, time.monotonic()
    while (visible := reader.look()) < rows:
        if visible > last:
            last, since = visible, time.monotonic()
        if follower.poll() is not None or time.monotonic() - since > PATIENCE_SECONDS:
            raise ServiceError(f"The follower stopped with {visible:,} of {rows:,} rows in bronze.")
        time.sleep(LOOK_SECONDS)
