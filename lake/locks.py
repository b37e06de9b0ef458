"""One lock around whatever writes: the second comer is told who holds it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from lake.errors import LockedError
from lake.settings import Settings


@contextmanager
def writing(settings: Settings, what: str) -> Iterator[None]:
    """Hold the state folder's write lock while doing ``what``; a process that dies lets go of it.

    Raises LockedError, which names the holder, when another process has it.
    """
    folder = settings.state_dir.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "write.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise LockedError(f"{holder} is writing to {folder}; wait for it to end, then run again.") from None
        file.seek(0)
        file.truncate()
        file.write(f"{what} (process {os.getpid()}, since {datetime.now(UTC):%H:%M:%S} UTC)")
        file.flush()
        try:
            yield
        finally:
            file.seek(0)
            file.truncate()
