"""Readers see releases: one row names the snapshot of every table, and everyone reads from that."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import pyarrow as pa
from pyiceberg.catalog import Catalog

from lake.catalogue import ensure_table, find_table
from lake.commits import Mark, commit_once, last_mark
from lake.errors import ReleaseError
from lake.failpoints import reached
from lake.pins import Pin

TABLE = "ops.releases"
WRITER = "release"
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
    ]
)


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
        cut_at = row["cut_at"]
        return cls(
            release_id=row["release_id"],
            cut_at=datetime.fromisoformat(cut_at) if isinstance(cut_at, str) else cut_at,
            previous=row["previous"],
            content=row["content"],
            bronze=_pins(row["bronze"]),
            gold=_pins(row["gold"]),
            cursors=orjson.loads(row["cursors"]),
            models=orjson.loads(row["models"]),
        )


def new_release_id(content: str, at: datetime) -> str:
    """Name a release: its time in UTC, so that names sort, and the start of its content's hash."""
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{content[:6]}"


def current_release(catalogue: Catalog) -> Release | None:
    """Read the release that readers see now; None before the first. One request to the catalogue."""
    table = find_table(catalogue, TABLE)
    mark = None if table is None else last_mark(table, WRITER)
    return None if mark is None else Release.from_row(orjson.loads(mark.cursor))


def list_releases(catalogue: Catalog) -> list[Release]:
    """Read all releases, oldest first."""
    table = find_table(catalogue, TABLE)
    if table is None or table.current_snapshot() is None:
        return []
    rows = table.scan().to_arrow().sort_by("cut_at").to_pylist()
    return [Release.from_row(row) for row in rows]


def find_release(catalogue: Catalog, release_id: str) -> Release:
    """Read one release. Raises ReleaseError when there is none of that name."""
    for release in list_releases(catalogue):
        if release.release_id == release_id:
            return release
    raise ReleaseError(f"There is no release '{release_id}'; `boathouse releases` lists those there are.")


def cut_release(catalogue: Catalog, release: Release) -> None:
    """Append the release and make it the current one, in one commit."""
    table = ensure_table(catalogue, TABLE, SCHEMA)
    rows = pa.Table.from_pylist([release.row()], schema=SCHEMA)
    reached("release.before")
    mark = Mark(writer=WRITER, load_id=release.release_id, cursor=orjson.dumps(release.row()).decode(), claim_count=1)
    commit_once(table, [rows], mark)
    reached("release.after")


def _pins_json(pins: dict[str, Pin]) -> str:
    named = {name: pin._asdict() for name, pin in pins.items()}
    return orjson.dumps(named, option=orjson.OPT_SORT_KEYS).decode()


def _pins(text: str) -> dict[str, Pin]:
    return {name: Pin.from_json(value) for name, value in orjson.loads(text).items()}
