"""The place to work in: services and sources, the user's own or embedded ones, for as long as a command runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pydantic import SecretStr

from infra import local
from infra.sandbox import credentials
from lake.failpoints import reached
from lake.settings import Settings

Progress = Callable[[str], None]


@contextmanager
def open_workplace(settings: Settings, say: Progress) -> Iterator[Settings]:
    """Run what the settings don't name and give a copy of them with every address filled in.

    Raises ServiceError, PortTakenError, DiskFullError or LockedError.
    """
    with local.running(settings, say) as live:
        reached("services.started")
        yield live


@contextmanager
def open_lake(settings: Settings, say: Progress = lambda _: None) -> Iterator[Settings]:
    """Run only the object store, for commands that ask the lake something."""
    with local.running(settings, say, only={"seaweedfs"}) as live:
        yield live
