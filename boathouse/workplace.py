"""The place to work in: services and sources, the user's own or embedded ones, for as long as a command runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from infra import local
from lake.errors import ServiceError
from lake.failpoints import reached
from lake.settings import Settings

Progress = Callable[[str], None]
DATABASE = "shop"


@contextmanager
def open_workplace(settings: Settings, say: Progress) -> Iterator[Settings]:
    """Run what the settings don't name and give a copy of them with every address filled in.

    Raises ServiceError, PortTakenError, DiskFullError or LockedError.
    """
    only = None if settings.uses_sandbox else {"seaweedfs", "valkey"}
    with local.running(settings, say, only) as live:
        reached("services.started")
        if settings.uses_sandbox:
            say("filling the sandbox shop's database")
            live = live.model_copy(update={"postgres_dsn": SecretStr(sandbox_database(settings))})
        reached("sandbox.started")
        yield live


@contextmanager
def open_lake(settings: Settings, say: Progress = lambda _: None) -> Iterator[Settings]:
    """Run only the object store, for commands that ask the lake something."""
    with local.running(settings, say, only={"seaweedfs"}) as live:
        yield live


def sandbox_database(settings: Settings) -> str:
    """Make and fill the sandbox shop's database in the embedded Postgres, once; give its address.

    Raises ServiceError when the database can't be made.
    """
    from infra.sandbox.database import fill_database

    admin = local.admin_dsn(settings)
    try:
        with psycopg.connect(admin, autocommit=True) as connection, suppress(psycopg.errors.DuplicateDatabase):
            connection.execute(f"CREATE DATABASE {DATABASE}")
    except psycopg.Error as error:
        raise ServiceError(f"The sandbox shop's database can't be made: {str(error).splitlines()[0]}") from error
    dsn = make_conninfo(admin, dbname=DATABASE)
    fill_database(dsn, seed=settings.sandbox_seed, orders=settings.sandbox_orders, busy=settings.sandbox_busy)
    return dsn
