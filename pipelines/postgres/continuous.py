"""Following without an end: copies what is new, catches up, streams, and starts over when the source comes back."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import structlog

from lake.errors import CommitError, ServiceError, UnreachableError
from lake.settings import Settings
from pipelines.postgres.api import Connection, connect, current_lsn
from pipelines.postgres.continuity import published_now
from pipelines.postgres.flushing import new_load_id
from pipelines.postgres.following import Engine, engine
from pipelines.postgres.landing import Bronze, ask_anew
from pipelines.postgres.reading import Plan, copy, plan_on
from pipelines.postgres.shapes import copied_again, look_unseen
from pipelines.postgres.tables import find_tables
from pipelines.postgres.walsender import Walsender

FAR_BEHIND = 256 * 2**20
"""Bytes of log behind from which on it is faster to peek than to be sent each change by the walsender."""
LOOK_SECONDS = 5.0
AGAIN_SECONDS = 2.0

log = structlog.get_logger("postgres")


def follow(settings: Settings, bronze: Bronze, stop: Event) -> None:
    """Follow the source until ``stop`` is set; when it or the lake can't be reached, try again until they can.

    Raises CredentialsError or SourceError for what trying again doesn't mend, such as a slot that is gone.
    """
    while not stop.is_set():
        try:
            _follow(settings, bronze, stop)
        except (UnreachableError, CommitError, ServiceError) as error:
            log.warning("changes are not followed at the moment", reason=str(error), again_in_seconds=AGAIN_SECONDS)
            stop.wait(AGAIN_SECONDS)


def _follow(settings: Settings, bronze: Bronze, stop: Event) -> None:
    plan, _ = plan_on(settings, bronze)
    for table, reason in plan.refused.items():
        log.warning("a table is not followed", table=str(table), reason=reason)
    if plan.is_first:
        copy(settings, bronze, plan.copied, None, plan.anew)
        return
    with (
        ThreadPoolExecutor(1, "copying") as thread,
        engine(settings, bronze, plan.followed, plan.confirmed) as running,
        connect(settings) as connection,
    ):
        copying: Future[dict[str, int]] | None = None
        if plan.copied:
            running.held = True
            copying = thread.submit(copy, settings, bronze, plan.copied, plan.confirmed, plan.anew)
        else:
            _catch_up(connection, running, stop)
        _stream(settings, connection, running, _reasons_to_end(settings, connection, running, plan, copying, stop))
        if copying is not None:
            copying.result()
        for table in copied_again(plan.followed):
            ask_anew(bronze, table.bronze, new_load_id())


def _catch_up(connection: Connection, running: Engine, stop: Event) -> None:
    while not stop.is_set() and (upto := current_lsn(connection)) - running.durable > FAR_BEHIND:
        running.drain(connection, upto)


def _stream(settings: Settings, connection: Connection, running: Engine, until: Callable[[], bool]) -> None:
    with connect(settings, replication=True) as wire:
        walsender = Walsender(wire, settings.postgres_slot, settings.postgres_publication, running.durable)
        try:
            running.stream(walsender, until)
            running.finish(walsender)
        finally:
            walsender.stop()


def _reasons_to_end(
    settings: Settings,
    connection: Connection,
    running: Engine,
    plan: Plan,
    copying: Future[dict[str, int]] | None,
    stop: Event,
) -> Callable[[], bool]:
    """Make the question whether to plan anew: a copy has ended, we fell far behind, or the tables are others.

    It raises SourceError when the publication is gone.
    """
    looked = time.monotonic()

    def ended() -> bool:
        nonlocal looked
        if stop.is_set():
            return True
        if copying is not None:
            return copying.done()
        if time.monotonic() - looked < LOOK_SECONDS:
            return False
        looked = time.monotonic()
        if current_lsn(connection) - running.durable > FAR_BEHIND:
            return True
        look_unseen(connection, settings.postgres_publication, plan.followed)
        if any(one.is_copied_again for one in plan.followed):
            return True
        published = published_now(connection, settings.postgres_publication)
        if any(str(one.table) not in published for one in plan.followed if not one.stopped):
            return True
        keys = {(str(table), table.key) for table in find_tables(connection, settings.postgres_tables)}
        known = (*(one.table for one in plan.followed), *plan.refused)
        return bool(keys - {(str(table), table.key) for table in known})

    return ended
