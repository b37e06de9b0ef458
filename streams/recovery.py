"""The flow's recovery store: how it comes to be, who may use it, and what to do when it is broken."""

import fcntl
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from bytewax.recovery import RecoveryConfig, init_db_dir

from lake.errors import LockedError, ServiceError
from lake.settings import Settings

GENERATION = "generation"
PARTITION = "part-0.sqlite3"
RESET = "python -m streams reset"


class Store(NamedTuple):
    """A recovery store; ``generation`` is its name, which the windows made from it carry."""

    config: RecoveryConfig
    generation: str
    folder: Path


@contextmanager
def opened(settings: Settings) -> Iterator[Store]:
    """Hold the recovery store in the state folder, made if there is none.

    Raises LockedError when another flow has it and ServiceError when it is broken.
    """
    with _locked(settings):
        folder = store_folder(settings)
        if not folder.exists():
            _make(folder)
        generation = _checked(folder)
        config = RecoveryConfig(folder, timedelta(0))  # type: ignore[no-untyped-call]
        yield Store(config, generation, folder)


def reset(settings: Settings) -> None:
    """Throw the recovery store away; the next start reads the bus from its first entry.

    Raises LockedError while a flow runs.
    """
    with _locked(settings):
        folder = store_folder(settings)
        if folder.exists():
            shutil.rmtree(folder)


def store_folder(settings: Settings) -> Path:
    """Give the folder of the recovery store."""
    return settings.state_dir.absolute() / "streams" / "recovery"


def broken(folder: Path, reason: str) -> ServiceError:
    """Say that the store can't be used and what mends it."""
    return ServiceError(
        f"The live flow's recovery store in {folder} can't be used ({reason}); "
        f"run `{RESET}`, and the flow rebuilds its state from the bus."
    )


def _make(folder: Path) -> None:
    """Make the store beside its place and move it there, so that half a store is never taken for one."""
    new = folder.with_name(f"new-{uuid4().hex}")
    new.mkdir(parents=True)
    init_db_dir(new, 1)  # type: ignore[no-untyped-call]
    (new / GENERATION).write_text(uuid4().hex, "utf-8")
    new.rename(folder)


def _checked(folder: Path) -> str:
    """Give the generation of a store that is whole; Bytewax itself would panic over one that isn't."""
    try:
        generation = (folder / GENERATION).read_text("utf-8").strip()
        with closing(sqlite3.connect(f"{(folder / PARTITION).as_uri()}?mode=rw", uri=True)) as connection:
            found = connection.execute("PRAGMA quick_check").fetchone()
            connection.execute("SELECT count(*) FROM snaps").fetchone()
    except (OSError, sqlite3.Error, UnicodeDecodeError) as error:
        raise broken(folder, f"{type(error).__name__}: {error}") from error
    if found != ("ok",) or not generation:
        raise broken(folder, "it is damaged")
    return generation


@contextmanager
def _locked(settings: Settings) -> Iterator[None]:
    folder = store_folder(settings).parent
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(f"A live flow runs on {folder} already; stop it first.") from None
        yield
