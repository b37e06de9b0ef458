"""The embedded services for as long as someone uses them."""

import contextlib
import os
import secrets
import threading
from collections.abc import Collection, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from infra.local import interruptions, processes, records, starting, state
from infra.local.ports import Ports
from infra.local.records import Record, User
from infra.local.service import Service
from infra.local.standing import SERVICES
from infra.local.state import Progress
from lake.errors import DiskFullError
from lake.settings import Settings


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
    tell = progress or state.say_nothing
    wanted = [s for s in SERVICES if (only is None or s.name in only) and s.wanted(settings)]
    user = User(os.getpid(), processes.born(os.getpid()), secrets.token_hex(8))
    with interruptions.raised():
        state.check_room(settings)
        try:
            with state.locked(settings, tell) as run_dir:
                filled = _start_all(wanted, settings, run_dir, user, tell)
            yield settings.model_copy(update=filled)
        finally:
            with interruptions.ignored():
                _leave(settings, user.token, tell)


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
            return starting.start(service, settings, record, run_dir, user, cancelled)
        except starting.PortLostError:
            if not left:
                raise
            last = replace(record, ports={})
    raise AssertionError("unreachable")


def _leave(settings: Settings, token: str, tell: Progress) -> None:
    with state.locked(settings, tell) as run_dir:
        for service in reversed(SERVICES):
            record = records.read(run_dir, service.name)
            if record is None or token not in {user.token for user in record.users}:
                continue
            left = record.without_user(token)
            if left.users:
                with contextlib.suppress(DiskFullError):
                    records.write(run_dir, left)
            else:
                starting.stop(service, run_dir, record)
