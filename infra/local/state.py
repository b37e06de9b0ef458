"""The folders of the embedded services, their lock, and the room they need."""

import errno
import fcntl
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lake.errors import DiskFullError, LockedError, ServiceError
from lake.settings import Settings

LEAST_FREE = 1 << 30
LOCK_SECONDS = 90.0

Progress = Callable[[str], None]


def say_nothing(_: str) -> None:
    """Take the place of a progress that nobody asked for."""


def state_dir(settings: Settings) -> Path:
    """Give the state folder as an absolute path."""
    return settings.state_dir.absolute()


def run_dir(settings: Settings) -> Path:
    """Give the folder of the records, which only its owner may list."""
    folder = state_dir(settings) / "run"
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    return folder


def check_room(settings: Settings) -> None:
    """Make the state folder; raise DiskFullError when less than 1 GiB is free there."""
    folder = state_dir(settings)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if is_full(error):
            raise no_room(folder) from None
        raise ServiceError(
            f"The state folder {folder} can't be made: {error.strerror}; set BOATHOUSE_STATE_DIR elsewhere."
        ) from None
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        raise no_room(folder, f"only {free >> 20} MiB of the 1024 MiB they need at least are free")


def no_room(folder: Path, what: str = "no space is left on the device") -> DiskFullError:
    """Make the error of a full disk."""
    return DiskFullError(
        f"There is no room for the services in {folder}: {what}; free some, or set BOATHOUSE_STATE_DIR elsewhere."
    )


def is_full(error: OSError) -> bool:
    """Tell whether ``error`` says that the disk or the quota is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def locked(settings: Settings, progress: Progress) -> Iterator[Path]:
    """Hold the lock of this state folder and give the folder of the records.

    Raises LockedError when another process holds it for 90 seconds.
    """
    folder = run_dir(settings)
    with (folder / "lock").open("w") as file:
        deadline = time.monotonic() + LOCK_SECONDS
        waited = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LockedError(
                        f"Another process has been starting or stopping the services in {folder.parent} for "
                        f"{LOCK_SECONDS:.0f} seconds; wait for it or end it."
                    ) from None
            if not waited:
                progress("waiting for another start or stop of the services")
                waited = True
            time.sleep(0.1)
        yield folder
