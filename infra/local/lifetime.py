"""The embedded services for as long as someone uses them."""

import contextlib
import os
import secrets
import shutil
import signal
import threading
from collections.abc import Collection, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from infra.local import account, processes, records, starting, state
from infra.local.ports import Ports
from infra.local.postgres import Postgres, dsn
from infra.local.records import Record, User
from infra.local.seaweedfs import SeaweedFS
from infra.local.service import Service
from infra.local.state import Progress
from infra.local.valkey import Valkey
from lake.errors import ServiceError
from lake.settings import Settings

SERVICES: tuple[Service, ...] = (SeaweedFS(), Postgres(), Valkey())


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


@contextmanager
def running(
    settings: Settings, progress: Progress | None = None, only: Collection[str] | None = None
) -> Iterator[Settings]:
    """Run the services that ``settings`` doesn't name, and give a copy of it with their addresses filled in.

    What runs already is used as it is. Leaving stops what nobody else uses, also after an error, Ctrl-C,
    SIGTERM or SIGHUP, and what a killed process left. ``only`` names services (``seaweedfs``, ``postgres``,
    ``valkey``) to start no others.

    Raises ServiceError, PortTakenError, DiskFullError or LockedError.
    """
    tell = progress or _say_nothing
    wanted = [s for s in SERVICES if (only is None or s.name in only) and s.wanted(settings)]
    user = User(os.getpid(), processes.born(os.getpid()), secrets.token_hex(8))
    with _signals_raised():
        try:
            state.check_room(settings)
            with state.locked(settings, tell) as run_dir:
                filled = _start_all(wanted, settings, run_dir, user, tell)
            yield settings.model_copy(update=filled)
        finally:
            with _signals_ignored():
                _leave(settings, user.token, tell)


def admin_dsn(settings: Settings) -> str:
    """Give the administrator's address of the embedded Postgres.

    Raises ServiceError when it doesn't run.
    """
    record = records.read(state.run_dir(settings), Postgres.name)
    if record is None or not record.living:
        raise ServiceError("The embedded Postgres doesn't run; start it with `just up`.")
    return dsn(record)


def check_alive(settings: Settings) -> None:
    """Raise ServiceError with one sentence when a service that this process uses has died."""
    for service in SERVICES:
        record = records.read(state.run_dir(settings), service.name)
        if record and record.pid and not record.living and any(u.pid == os.getpid() for u in record.users):
            raise starting.failure(service, record, "died")


def status(settings: Settings) -> list[Status]:
    """List every embedded service that was ever started here."""
    found = [(s, records.read(state.run_dir(settings), s.name)) for s in SERVICES]
    return [
        Status(s.name, s.title, r.living, r.pid, r.ports, sum(u.living for u in r.users), r.log) for s, r in found if r
    ]


def stop_all(settings: Settings, progress: Progress | None = None) -> list[str]:
    """Stop every embedded service, whoever uses it, and give the names of those that ran."""
    stopped = []
    with state.locked(settings, progress or _say_nothing) as run_dir:
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


def _start_all(
    wanted: list[Service], settings: Settings, run_dir: Path, user: User, tell: Progress
) -> dict[str, object]:
    free = Ports(state.state_dir(settings))
    cancelled = threading.Event()
    filled: dict[str, object] = {}
    with ThreadPoolExecutor(max_workers=max(1, len(wanted))) as pool:
        futures: dict[Future[Record], Service] = {}
        try:
            for service in wanted:
                last = records.read(run_dir, service.name)
                futures[pool.submit(_ensure, service, settings, run_dir, last, user, free, cancelled)] = service
            wait_for(futures, return_when=FIRST_EXCEPTION)
            for future, service in futures.items():
                if future.done():
                    filled |= service.addresses(future.result())
                    tell(f"{service.title} is ready")
        finally:
            cancelled.set()
    return filled


def _ensure(
    service: Service,
    settings: Settings,
    run_dir: Path,
    last: Record | None,
    user: User,
    free: Ports,
    cancelled: threading.Event,
) -> Record:
    if last and last.living:
        joined = last.with_users(user)
        records.write(run_dir, joined)
        starting.wait(service, joined, cancelled)
        return joined
    folder = state.state_dir(settings) / service.name
    for left in reversed(range(starting.TRIES)):
        record = starting.plan(service, settings, folder, last, free)
        try:
            return starting.start(service, record, run_dir, user, cancelled)
        except starting.PortLostError:
            if not left:
                raise
            last = None
    raise AssertionError("unreachable")


def _leave(settings: Settings, token: str, tell: Progress) -> None:
    with state.locked(settings, tell) as run_dir:
        for service in reversed(SERVICES):
            record = records.read(run_dir, service.name)
            if record is None or token not in {user.token for user in record.users}:
                continue
            left = record.without_user(token)
            if left.users:
                records.write(run_dir, left)
            else:
                starting.stop(service, run_dir, record)


def _say_nothing(_: str) -> None:
    pass


@contextmanager
def _signals_raised() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP, where nobody handles them, into an exit that passes every ``finally``."""

    def leave(number: int, _: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = [n for n in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(n) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, leave)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


@contextmanager
def _signals_ignored() -> Iterator[None]:
    """Let nothing interrupt a stop, whose time is bounded anyway."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            with contextlib.suppress(TypeError):
                signal.signal(number, handler)
