"""Background processes that outlive a Ctrl-C of their starter: start, recognise, stop, read the log's end."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
KILL_SECONDS = 5.0
POLL_SECONDS = 0.02

# Kept so that this process reaps what it started, and a living child is never collected as garbage.
_children: dict[int, subprocess.Popen[bytes]] = {}


@dataclass(frozen=True)
class Launch:
    """How to start a service; ``argv[0]`` and ``marker``, an argument of it, tell its process from others."""

    argv: Sequence[str]
    folder: Path
    marker: str
    uid: int | None = None
    gid: int | None = None


def environment(home: Path) -> dict[str, str]:
    """Give a service's whole environment: nothing of the user's own reaches it."""
    return {"PATH": os.defpath, "HOME": str(home), "LANG": "C.UTF-8", "TZ": "UTC"}


def start(launch: Launch, log: Path) -> int:
    """Start ``launch`` in a session of its own, its output in ``log``, and return its process id."""
    for old, done in list(_children.items()):
        if done.poll() is not None:
            _children.pop(old, None)
    with log.open("wb") as output:
        child = subprocess.Popen(  # noqa: S603
            launch.argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=launch.folder,
            env=environment(launch.folder),
            start_new_session=True,
            user=launch.uid,
            group=launch.gid,
            extra_groups=None if launch.uid is None else [],
        )
    _children[child.pid] = child
    return child.pid


def born(pid: int) -> str:
    """Tell when process ``pid`` started, in the system's own words; empty when it has ended."""
    if child := _children.get(pid):
        child.poll()
    if PROC.joinpath("self").exists():
        try:
            fields = PROC.joinpath(str(pid), "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] in "ZX" else fields[19]
    done = subprocess.run(  # noqa: S603
        ["/bin/ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, since = done.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else since.strip()


def is_alive(pid: int, since: str) -> bool:
    """Tell whether process ``pid`` runs and started at ``since``: process ids are used again."""
    return bool(since) and born(pid) == since


def find(program: str, marker: str) -> list[int]:
    """List the processes of this machine that run ``program`` with ``marker`` as one argument."""
    return [pid for pid, argv in _commands() if argv and argv[0] == program and marker in argv[1:]]


def _commands() -> Iterator[tuple[int, list[str]]]:
    if PROC.joinpath("self").exists():
        for entry in PROC.iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    yield int(entry.name), entry.joinpath("cmdline").read_text("utf-8", "replace").split("\0")
        return
    done = subprocess.run(["/bin/ps", "-axo", "pid=,command="], capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        pid, _, command = line.strip().partition(" ")
        yield int(pid), command.split()


def stop(pid: int, since: str, signals: Sequence[signal.Signals], seconds: float) -> None:
    """Stop process ``pid`` with each of ``signals`` in turn, ``seconds`` apart, then kill its session."""
    for number in signals:
        if not is_alive(pid, since):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        if _gone(pid, since, seconds):
            return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    _gone(pid, since, KILL_SECONDS)


def _gone(pid: int, since: str, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while is_alive(pid, since):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    if child := _children.pop(pid, None):
        child.wait()
    return True


def last_lines(log: Path, count: int = 20) -> list[str]:
    """Give the last non-empty lines of ``log``, at most ``count``; none when there is no log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 262_144))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line.strip() for line in text.splitlines() if line.strip()][-count:]
