"""Outages under a reader: its server stopped and killed, its walsender ended, the lake's disk full."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra import local
from lake.catalogue import ensure_namespaces, open_catalogue
from lake.settings import Settings
from tests.chaos.reader import start
from tests.chaos.servers import Server
from tests.chaos.trial import PATIENCE_SECONDS, Trials
from tests.chaos.workload import run

ENDS = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)
"""How a Postgres server is stopped: fast, immediate, and not at all in order."""
ENDED = "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '{}'"
DISK_MEBIBYTES = 1200


def end_server(server: Server, settings: Settings, name: str, seed: int, rounds: int = 1) -> Trials:
    """Stop and kill a server under a reader that follows it, each way ``rounds`` times, and compare both sides."""
    trials = Trials(settings, server.dsn, name, seed)
    trials.prepare("")
    trials.drain()
    trials.compare()
    child = start(trials.settings, following=True)
    for how in ENDS * rounds:
        trials.prepare("")
        run(trials.main, ENDED.format(name))
        trials.prepare("")
        run(trials.main, "BEGIN; INSERT INTO parts SELECT n, 5 FROM generate_series(1000, 1500) n")
        server.end(how)
        server.start()
        trials.connect()
    trials.prepare("")
    child.terminate()
    child.join(PATIENCE_SECONDS)
    assert child.exitcode == 0
    trials.drain()
    trials.compare()
    trials.close()
    return trials


def fill_disk(server: Server, folder: Path, seed: int) -> Trials:
    """Fill the disk of the whole lake under a reader, make room again, and hold both sides together."""
    with small_disk(folder) as disk:
        plain = Settings(_env_file=None, state_dir=disk / "state")
        try:
            with local.running(plain, only={"seaweedfs"}) as live:
                ensure_namespaces(open_catalogue(live))
                trials = Trials(live, server.dsn, "brimful", seed)
                trials.prepare("")
                trials.drain()
                filler = disk / "filler"
                _fill(filler)
                trials.prepare("")
                run(trials.main, "INSERT INTO parts SELECT n, n FROM generate_series(2000, 200000) n")
                child = start(trials.settings, following=False)
                child.join(PATIENCE_SECONDS)
                assert child.exitcode == 1, f"on a full disk the reader ended with {child.exitcode}"
                trials.confirmed_is_durable()
                filler.unlink()
            with local.running(plain, only={"seaweedfs"}) as live:
                trials.settings = trials.settings.model_copy(update=_places(live))
                trials.catalogue = open_catalogue(trials.settings)
                trials.drain()
                trials.compare()
                trials.close()
                return trials
        finally:
            local.remove_all(plain)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a disk in memory that is hardly larger than the lake wants, which only root can."""
    disk = folder / "disk"
    disk.mkdir()
    options = f"size={DISK_MEBIBYTES}m"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def _fill(file: Path) -> None:
    with file.open("wb", buffering=0) as out:
        size = 2**20
        while size:
            try:
                out.write(bytes(size))
            except OSError:
                size //= 2


def _places(live: Settings) -> dict[str, object]:
    names = ("s3_endpoint", "s3_access_key", "s3_secret_key", "catalog_uri")
    return {name: getattr(live, name) for name in names}
