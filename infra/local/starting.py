"""One service from nothing to ready: launched, recorded, asked until it answers."""

import contextlib
import re
import threading
import time
from dataclasses import replace
from pathlib import Path

from infra.local import processes, records
from infra.local.ports import Ports
from infra.local.records import Record, User
from infra.local.service import Service
from infra.local.state import is_full, no_room
from lake.errors import BoathouseError, DiskFullError, ServiceError
from lake.ports import is_free
from lake.settings import Settings

READY_SECONDS = 45.0
PROBE_SECONDS = 0.05
STOP_SECONDS = 10.0
TRIES = 3
TAKEN = ("address already in use", "is not available", "could not bind", "port allocation failed")
# A program in Go that gives up writes the stacks of hundreds of goroutines after its last words.
LAST_WORDS = 1_000
FRAME = re.compile(r"goroutine \d+ .*|created by .*|\S+\(.*\)|\S+\.(go|s):\d+( \+0x[0-9a-f]+)?")
FULL = "no space left on device"


class PortLostError(ServiceError):
    """Something took a port between the choice and the start; another choice may do."""


def plan(service: Service, settings: Settings, folder: Path, last: Record | None, free: Ports) -> Record:
    """Choose ports and credentials, those of the last start as far as the setting and others allow."""
    asked = service.asked(settings)
    ports = last.ports if last and last.asked == asked else {}
    return Record(
        name=service.name,
        asked=asked,
        ports=service.ports(settings, free, ports),
        secrets=service.secrets(folder, last.secrets if last else {}),
        log=str(folder / f"{service.name}.log"),
        users=tuple(user for user in last.users if user.living) if last else (),
    )


def start(
    service: Service, settings: Settings, record: Record, run_dir: Path, user: User, cancelled: threading.Event
) -> Record:
    """Start ``service`` as planned and wait until it is ready; its record is on disk before it answers.

    Raises ServiceError with the log's last line, PortLostError or DiskFullError.
    """
    folder = Path(record.log).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        launch = service.prepare(settings, folder, record)
        _end_strays(service, launch)
        pid = processes.start(launch, Path(record.log))
        record = replace(record, pid=pid, born=processes.born(pid)).with_users(user)
        try:
            records.write(run_dir, record)
        except BaseException:
            processes.stop(pid, record.born, service.stop_signals, STOP_SECONDS)
            raise
    except OSError as error:
        if is_full(error):
            raise no_room(folder) from None
        why = error.strerror or error
        raise ServiceError(
            f"{service.title} can't be started in {folder}: {why}; set {service.setting} to your own."
        ) from None
    wait(service, record, cancelled)
    return record


def wait(service: Service, record: Record, cancelled: threading.Event, seconds: float = READY_SECONDS) -> None:
    """Ask ``service`` until it is ready; raises as ``start`` does, or when ``cancelled``."""
    deadline = time.monotonic() + seconds
    while not cancelled.is_set():
        if not record.living:
            raise failure(service, record, "ended while it started")
        try:
            service.probe(record)
            return
        except Exception as error:  # every client has errors of its own for "not yet"
            if time.monotonic() > deadline:
                raise failure(service, record, f"didn't answer in {seconds:.0f} s ({type(error).__name__})") from None
        time.sleep(PROBE_SECONDS)
    raise ServiceError(f"The start of {service.title} was called off.")


def failure(service: Service, record: Record, what: str) -> BoathouseError:
    """Make the error of a service that is down, from the end of its log."""
    lines = [line for line in processes.last_lines(Path(record.log), LAST_WORDS) if not FRAME.fullmatch(line)]
    text = "\n".join(lines).lower()
    if is_out_of_room(record):
        return no_room(Path(record.log).parent)
    told = [line for line in lines if any(word in line.lower() for word in ("fatal", "error", "panic", *TAKEN))]
    last = (told or lines or ["it wrote nothing"])[-1].rstrip(".")[:300]
    for secret in record.secrets.values():
        last = last.replace(secret, "***")
    sentence = f"{service.title} {what}: {last}; see {record.log}, or set {service.setting} to your own."
    lost = any(words in text for words in TAKEN) or not (record.living or all(map(is_free, record.ports.values())))
    return PortLostError(sentence) if lost else ServiceError(sentence)


def is_out_of_room(record: Record) -> bool:
    """Tell whether the end of a service's log says that the disk is full."""
    return FULL in "\n".join(processes.last_lines(Path(record.log))).lower()


def stop(service: Service, run_dir: Path, record: Record) -> None:
    """Stop the recorded process and keep its ports and credentials for the next start."""
    if record.pid:
        processes.stop(record.pid, record.born, service.stop_signals, STOP_SECONDS)
    # A full disk must not keep anything running; a record of a process that is gone says as much.
    with contextlib.suppress(DiskFullError):
        records.write(run_dir, record.stopped())


def _end_strays(service: Service, launch: processes.Launch) -> None:
    # A starter that was killed between the launch and the record left one that nobody knows of.
    for pid in processes.find(launch.argv[0], launch.marker):
        processes.stop(pid, processes.born(pid), service.stop_signals, STOP_SECONDS)
