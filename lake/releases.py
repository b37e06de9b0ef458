"""Readers see releases: one row names the snapshot of every table, and everyone reads from that."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import orjson
import pyarrow as pa
from pyiceberg.catalog import Catalog

from lake.catalogue import ensure_table, find_table
from lake.commits import Mark, commit_once, last_mark
from lake.errors import ReleaseError
from lake.failpoints import reached
from lake.pins import Pin

TABLE = "ops.releases"
WRITER, WAITING = "release", "held"
"""Who left the mark of what readers see now, and of the last release that a gate held back."""
SCHEMA = pa.schema(
    [
        ("release_id", pa.string()),
        ("cut_at", pa.timestamp("us", tz="UTC")),
        ("previous", pa.string()),
        ("content", pa.string()),
        ("bronze", pa.string()),
        ("gold", pa.string()),
        ("cursors", pa.string()),
        ("models", pa.string()),
        ("event", pa.string()),
        ("reason", pa.string()),
        ("at", pa.timestamp("us", tz="UTC")),
    ]
)

Event = Literal["cut", "held", "approved", "rolled back"]


@dataclass(frozen=True)
class Release:
    """What readers see at a time.

    ``bronze`` and ``gold`` map a table's name (without namespace) to its pin; ``cursors`` maps
    ``table/writer`` to where its loads stood; ``models`` maps a model to its fingerprint; ``content`` is an
    order-free hash of every row of gold, equal for two releases with the same answers.
    """

    release_id: str
    cut_at: datetime
    previous: str | None
    content: str
    bronze: dict[str, Pin]
    gold: dict[str, Pin]
    cursors: dict[str, str]
    models: dict[str, str]

    def row(self) -> dict[str, Any]:
        """Give the release as a row of ``ops.releases``; the maps are JSON text."""
        return {
            "release_id": self.release_id,
            "cut_at": self.cut_at,
            "previous": self.previous,
            "content": self.content,
            "bronze": _pins_json(self.bronze),
            "gold": _pins_json(self.gold),
            "cursors": orjson.dumps(self.cursors, option=orjson.OPT_SORT_KEYS).decode(),
            "models": orjson.dumps(self.models, option=orjson.OPT_SORT_KEYS).decode(),
        }

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> "Release":
        """Read a release back from its row."""
        return cls(
            release_id=row["release_id"],
            cut_at=_time(row["cut_at"]),
            previous=row["previous"],
            content=row["content"],
            bronze=_pins(row["bronze"]),
            gold=_pins(row["gold"]),
            cursors=orjson.loads(row["cursors"]),
            models=orjson.loads(row["models"]),
        )


class Entry(NamedTuple):
    """Something that happened to a release, why, and when; every event but ``held`` made it the current one."""

    release: Release
    event: Event
    reason: str
    at: datetime

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> "Entry":
        """Read an entry from its row; before there were events, every row was a release that was cut."""
        release = Release.from_row(row)
        at = _time(row["at"]) if row.get("at") else release.cut_at
        return cls(release, row.get("event") or "cut", row.get("reason") or "", at)


def new_release_id(content: str, at: datetime) -> str:
    """Name a release: its time in UTC, so that names sort, and the start of its content's hash."""
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{content[:6]}"


def current_release(catalogue: Catalog) -> Release | None:
    """Read the release that readers see now; None before the first. One request to the catalogue."""
    entry, _ = standing(catalogue)
    return entry.release if entry else None


def standing(catalogue: Catalog) -> tuple[Entry | None, Entry | None]:
    """Read how the current release became so, and the release that was held back since and waits for approval."""
    table = find_table(catalogue, TABLE)
    marks = [None if table is None else last_mark(table, writer) for writer in (WRITER, WAITING)]
    current, held = (Entry.from_row(orjson.loads(mark.cursor)) if mark else None for mark in marks)
    if held and current and held.at <= current.at:
        held = None
    return current, held


def last_built(catalogue: Catalog) -> Entry | None:
    """Read the release that a run made last, whether it was cut or held back; a rollback makes none."""
    current, held = standing(catalogue)
    if held or current is None or current.event != "rolled back":
        return held or current
    return [entry for entry in history(catalogue) if entry.event != "rolled back"][-1]


def history(catalogue: Catalog) -> list[Entry]:
    """Read everything that happened to releases, oldest first."""
    table = find_table(catalogue, TABLE)
    if table is None or table.current_snapshot() is None:
        return []
    entries = [Entry.from_row(row) for row in table.scan().to_arrow().to_pylist()]
    return sorted(entries, key=lambda entry: (entry.at, entry.release.cut_at))


def list_releases(catalogue: Catalog) -> list[Release]:
    """Read all releases that readers have seen, oldest first, each once."""
    seen = {entry.release.release_id: entry.release for entry in history(catalogue) if entry.event != "held"}
    return sorted(seen.values(), key=lambda release: release.cut_at)


def find_release(catalogue: Catalog, release_id: str) -> Release:
    """Read one release, also one that is held. Raises ReleaseError when there is none of that name, or several."""
    releases = {entry.release.release_id: entry.release for entry in history(catalogue)}
    found = [name for name in releases if name == release_id] or [name for name in releases if _fits(name, release_id)]
    if len(found) == 1:
        return releases[found[0]]
    if found:
        raise ReleaseError(f"'{release_id}' could be {' or '.join(sorted(found))}; write more of its name.")
    raise ReleaseError(f"There is no release '{release_id}'; `boathouse release list` lists those there are.")


def cut_release(catalogue: Catalog, release: Release, event: Event = "cut", reason: str = "") -> None:
    """Append the release and make it the current one, in one commit; a held one waits instead."""
    at = release.cut_at if event in ("cut", "held") else datetime.now(UTC)
    row = release.row() | {"event": event, "reason": reason, "at": at}
    table = ensure_table(catalogue, TABLE, SCHEMA)
    rows = pa.Table.from_pylist([row], schema=SCHEMA)
    reached("release.before")
    names = {"cut": release.release_id, "held": release.release_id}
    load_id = names.get(event, f"{release.release_id} {event} {at:%Y%m%dT%H%M%S%f}")
    writer = WAITING if event == "held" else WRITER
    commit_once(table, [rows], Mark(writer=writer, load_id=load_id, cursor=orjson.dumps(row).decode(), claim_count=1))
    reached("release.after")


def _fits(name: str, wanted: str) -> bool:
    return bool(wanted) and (name.startswith(wanted) or name.endswith(wanted))


def _time(value: Any) -> datetime:
    at: datetime = datetime.fromisoformat(value) if isinstance(value, str) else value
    return at


def _pins_json(pins: dict[str, Pin]) -> str:
    named = {name: pin._asdict() for name, pin in pins.items()}
    return orjson.dumps(named, option=orjson.OPT_SORT_KEYS).decode()


def _pins(text: str) -> dict[str, Pin]:
    return {name: Pin.from_json(value) for name, value in orjson.loads(text).items()}
