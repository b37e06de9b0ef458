"""What is known of a service from one start to the next: process, ports, credentials and who uses it."""

import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from infra.local import processes
from infra.local.state import is_full, no_room


@dataclass(frozen=True)
class User:
    """One ``running()`` of one process; a service is stopped when its last living user leaves."""

    pid: int
    born: str
    token: str

    @property
    def living(self) -> bool:
        """Whether the process is still the one that wrote this."""
        return processes.is_alive(self.pid, self.born)


@dataclass(frozen=True)
class Record:
    """One service's file ``run/<name>.json``, readable by its owner only; ``pid`` 0 means stopped."""

    name: str
    asked: int
    ports: dict[str, int]
    secrets: dict[str, str]
    log: str
    pid: int = 0
    born: str = ""
    users: tuple[User, ...] = field(default=())

    @property
    def living(self) -> bool:
        """Whether the recorded process still runs (and isn't another one with its number)."""
        return self.pid > 0 and processes.is_alive(self.pid, self.born)

    def with_users(self, *users: User) -> "Record":
        """Copy this with the users that still live and are not among ``users``, then ``users``."""
        tokens = {user.token for user in users}
        kept = tuple(user for user in self.users if user.living and user.token not in tokens)
        return replace(self, users=(*kept, *users))

    def without_user(self, token: str) -> "Record":
        """Copy this with the living users that are not ``token``."""
        return replace(self, users=tuple(u for u in self.users if u.living and u.token != token))

    def stopped(self) -> "Record":
        """Copy this as a service that doesn't run."""
        return replace(self, pid=0, born="", users=())


def read(run_dir: Path, name: str) -> Record | None:
    """Read the record of ``name``; None when there is none or it can't be understood."""
    try:
        raw = json.loads((run_dir / f"{name}.json").read_text("utf-8"))
        raw["users"] = tuple(User(**user) for user in raw["users"])
        return Record(**raw)
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def write(run_dir: Path, record: Record) -> None:
    """Write ``record`` in one step, readable by its owner only.

    Raises DiskFullError, and leaves the record before as it was.
    """
    new = run_dir / f".{record.name}.json.new"
    new.unlink(missing_ok=True)
    try:
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(record), file, indent=1)
    except OSError as error:
        if is_full(error):
            raise no_room(run_dir.parent) from None
        raise
    new.replace(run_dir / f"{record.name}.json")
