"""Somebody's word on what readers see: a release that was held back let out, an older one named as current."""

from datetime import UTC, datetime

from pyiceberg.catalog import Catalog

from boathouse.console import Steps, console
from boathouse.gates import BRONZE, looked_at
from boathouse.run import report
from boathouse.workplace import open_lake
from lake.audits import AuditResult, known_audits, record_audits
from lake.catalogue import open_catalogue
from lake.errors import BoathouseError, ReleaseError, SettingError
from lake.locks import writing
from lake.releases import Entry, Release, cut_release, find_release, history, standing
from lake.settings import Settings


def approve(settings: Settings, name: str | None, reason: str) -> None:
    """Let out the release that is held back, or the loads that broke their contract. Raises ReleaseError."""
    with writing(settings, "boathouse release approve"), open_lake(settings) as live:
        catalogue = open_catalogue(live)
        _reasoned(reason)
        _, waiting = standing(catalogue)
        held = _held(catalogue, name) if name else waiting
        loads = [] if name else _broken(catalogue)
        if held is None and not loads:
            raise ReleaseError("Nothing waits for approval; `boathouse release list` shows what there is.")
        if loads:
            _let_in(catalogue, loads, reason)
        if held is None:
            console.print(
                f"approve: ok · {len(loads)} tables' loads let in; run again to build with them", style="bold"
            )
            return
        cut_release(catalogue, held.release, "approved", reason)
        _report(live, held.release)
    console.print(f"approve: ok · {held.release.release_id} is current", style="bold", soft_wrap=True)


def roll_back(settings: Settings, name: str, reason: str) -> None:
    """Name another release as current; readers follow at once, and runs hold new ones back. Raises ReleaseError."""
    with writing(settings, "boathouse release rollback"), open_lake(settings) as live:
        catalogue = open_catalogue(live)
        release = find_release(catalogue, name)
        current, _ = standing(catalogue)
        if current is not None and current.release.release_id == release.release_id:
            raise ReleaseError(f"{release.release_id} is current already.")
        entries = history(catalogue)
        if not any(one.release.release_id == release.release_id and one.event != "held" for one in entries):
            raise ReleaseError(f"{release.release_id} was never current; `boathouse release approve` lets it out.")
        cut_release(catalogue, release, "rolled back", reason)
        _report(live, release)
    console.print(
        f"rollback: ok · {release.release_id} is current; new releases wait until one is approved",
        style="bold",
        soft_wrap=True,
    )


def _reasoned(reason: str) -> None:
    if not reason.strip():
        raise SettingError("--reason is empty; say why, so that whoever reads the list later knows.")


def _held(catalogue: Catalog, name: str) -> Entry:
    release = find_release(catalogue, name)
    for entry in reversed(history(catalogue)):
        if entry.release.release_id == release.release_id:
            if entry.event == "held":
                return entry
            break
    raise ReleaseError(f"{release.release_id} isn't held back; `boathouse release list` shows which are.")


def _broken(catalogue: Catalog) -> list[tuple[str, tuple[str, ...]]]:
    """Find the loads that broke a contract that blocks and weren't let in: table with its loads."""
    rows = known_audits(catalogue, BRONZE).to_pylist()
    fine = looked_at(rows)
    found: dict[str, set[str]] = {}
    for row in rows:
        name = row["model"].removeprefix(BRONZE)
        if row["blocking"] and not row["passed"]:
            found.setdefault(name, set()).update(set(row["loads"] or ()) - fine.get(name, frozenset()))
    return [(name, tuple(sorted(loads))) for name, loads in sorted(found.items()) if loads]


def _let_in(catalogue: Catalog, loads: list[tuple[str, tuple[str, ...]]], reason: str) -> None:
    at = datetime.now(UTC)
    results = [
        AuditResult(f"{BRONZE}{name}", reason, 0, 0, False, True, kind="approval", loads=ids) for name, ids in loads
    ]
    record_audits(catalogue, f"approval-{at:%Y%m%dT%H%M%S%f}", results, at, "enter")


def _report(live: Settings, release: Release) -> None:
    """Render the report of what is current now; it stays as it was when an older release can't answer a page."""
    try:
        report(live, release, Steps())
    except BoathouseError as error:
        console.print(f"the report stays as it was: {error}", soft_wrap=True, markup=False)
