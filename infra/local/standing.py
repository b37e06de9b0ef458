"""How the embedded services stand: which there are, which run, where, and the end of all of them."""

import os
import shutil
from dataclasses import dataclass

from infra.local import account, records, starting, state
from infra.local.postgres import Postgres, dsn
from infra.local.sandbox import Sandbox
from infra.local.seaweedfs import SeaweedFS
from infra.local.service import Service
from infra.local.state import Progress
from infra.local.valkey import Valkey
from lake.errors import ServiceError
from lake.settings import Settings

SERVICES: tuple[Service, ...] = (SeaweedFS(), Postgres(), Valkey(), Sandbox())


@dataclass(frozen=True)
class Status:
    """Whether one service runs, and where."""

    name: str
    title: str
    running: bool
    pid: int
    ports: dict[str, int]
    users: int
    log: str


def admin_dsn(settings: Settings) -> str:
    """Give the administrator's address of the embedded Postgres.

    Raises ServiceError when it doesn't run.
    """
    record = records.read(state.run_dir(settings), Postgres.name)
    if record is None or not record.living:
        raise ServiceError("The embedded Postgres doesn't run; start it with `just up`.")
    return dsn(record)


def check_alive(settings: Settings) -> None:
    """Raise ServiceError when a service that this process uses has died, DiskFullError when it ran out of room."""
    for service in SERVICES:
        record = records.read(state.run_dir(settings), service.name)
        if record is None or all(user.pid != os.getpid() for user in record.users):
            continue
        if not record.living:
            raise starting.failure(service, record, "died")
        if starting.is_out_of_room(record):
            raise state.no_room(state.state_dir(settings))


def status(settings: Settings) -> list[Status]:
    """List every embedded service that was ever started here."""
    found = [(s, records.read(state.run_dir(settings), s.name)) for s in SERVICES]
    return [
        Status(s.name, s.title, r.living, r.pid, r.ports, sum(u.living for u in r.users), r.log) for s, r in found if r
    ]


def stop_all(settings: Settings, progress: Progress | None = None) -> list[str]:
    """Stop every embedded service, whoever uses it, and give the names of those that ran."""
    stopped = []
    with state.locked(settings, progress or state.say_nothing) as run_dir:
        for service in reversed(SERVICES):
            record = records.read(run_dir, service.name)
            if record and record.living:
                starting.stop(service, run_dir, record)
                stopped.append(service.name)
    return stopped


def remove_all(settings: Settings, progress: Progress | None = None) -> None:
    """Stop every embedded service and remove what it keeps, wherever that is."""
    stop_all(settings, progress)
    account.remove_elsewhere(state.state_dir(settings) / Postgres.name)
    for name in (*(service.name for service in SERVICES), "run"):
        shutil.rmtree(state.state_dir(settings) / name, ignore_errors=True)
