"""Changes fold to what the database held, whatever was left out, emptied, moved to another key or copied anew."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from tests.chaos.silver import fold

Row = dict[str, Any]
State = dict[Any, Row]
TYPES = {"shelf": "int", "place": "text", "pieces": "int", "note": "text", "picture": "text"}
SCHEMA = pa.schema(
    [pa.field(name, pa.int32() if kind == "int" else pa.string()) for name, kind in TYPES.items()]
    + [pa.field("_op", pa.string()), pa.field("_commit_lsn", pa.int64()), pa.field("_ordinal", pa.int64())]
    + [pa.field("_commit_at", pa.timestamp("us", tz="UTC")), pa.field("_unchanged", pa.list_(pa.string()))]
)
LONG = ("note", "picture")
KEYS = [(shelf, place) for shelf in (1, 2) for place in "ab"]
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def ask() -> Callable[[str, list[Row]], list[Row]]:
    """Fold rows of a change table by a macro."""

    def asked(macro: str, rows: list[Row]) -> list[Row]:
        return fold(macro, pa.Table.from_pylist(rows, schema=SCHEMA), ["shelf", "place"])

    return asked


class Database:
    """A table that changes at random, the changes as bronze has them, and what it held after each commit."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.rows: State = {}
        self.changes: list[Row] = []
        self.held: list[tuple[datetime, State]] = []
        self.lsn, self.ordinal, self.at, self.values = 100, 0, BEGAN, 0

    def commit(self) -> None:
        """Make one transaction of a few changes; the clock may stand still."""
        self.lsn, self.ordinal = self.lsn + 8, 0
        self.at += timedelta(seconds=self.chance.choice([1, 1, 0]))
        for _ in range(self.chance.randint(1, 4)):
            self.change()
        self.held.append((self.at, {key: dict(row) for key, row in self.rows.items()}))

    def change(self) -> None:
        there = sorted(self.rows)
        free = [key for key in KEYS if key not in self.rows]
        what = self.chance.choices(["insert", "update", "move", "delete", "truncate", "copy"], [4, 8, 4, 2, 1, 1])[0]
        if what == "truncate":
            self.rows.clear()
            self.tell("t", None, {})
        elif what == "copy":
            self.tell("t", None, {})
            for key in there:
                self.tell("r", key, self.rows[key])
        elif what == "insert" and free:
            key = self.chance.choice(free)
            self.rows[key] = {name: self.value() for name in ("pieces", *LONG)}
            self.tell("c", key, self.rows[key])
        elif there:
            key = self.chance.choice(there)
            if what == "update":
                self.write("u", key, key)
            elif what == "delete":
                del self.rows[key]
                self.tell("d", key, {})
            elif what == "move" and free:
                self.tell("d", key, {})
                self.write("c", key, self.chance.choice(free))

    def write(self, op: str, key: Any, new: Any) -> None:
        """Change a row; a long value that stays the same isn't told."""
        same = [name for name in LONG if self.chance.random() < 0.6]
        row = self.rows.pop(key)
        self.rows[new] = row | {name: self.value() for name in ("pieces", *LONG) if name not in same}
        self.tell(op, new, {name: value for name, value in self.rows[new].items() if name not in same}, same)

    def value(self) -> Any:
        self.values += 1
        return None if self.chance.random() < 0.2 else self.values

    def tell(self, op: str, key: Any, row: Row, same: list[str] | None = None) -> None:
        said = {name: None if value is None else str(value) for name, value in row.items() if name in LONG}
        self.changes.append(
            {"shelf": key and key[0], "place": key and key[1], "pieces": row.get("pieces"), **said}
            | {"_op": op, "_commit_lsn": self.lsn, "_ordinal": self.ordinal, "_commit_at": self.at}
            | {"_unchanged": same or []}
        )
        self.ordinal += 1


def plain(state: State) -> list[Row]:
    """Write what the database held as silver does."""
    return [
        {"shelf": shelf, "place": place, "pieces": row["pieces"]}
        | {name: None if row[name] is None else str(row[name]) for name in LONG}
        for (shelf, place), row in sorted(state.items())
    ]


def theirs(rows: list[Row]) -> list[Row]:
    return sorted(({name: row[name] for name in TYPES} for row in rows), key=lambda row: (row["shelf"], row["place"]))


@pytest.mark.parametrize("seed", range(8))
def test_changes_fold_to_what_the_database_holds_and_held(ask: Any, seed: int) -> None:
    database = Database(seed)
    for _ in range(40):
        database.commit()
    chance = database.chance
    chance.shuffle(database.changes)
    assert theirs(ask("rows_now", database.changes)) == plain(database.held[-1][1])

    versions = ask("row_versions", database.changes)
    for at, state in dict(database.held).items():
        assert theirs([row for row in versions if not row["_is_deleted"] and held(row, at)]) == plain(state), at


def held(version: Row, at: datetime) -> bool:
    return bool(version["_valid_from"] <= at and (version["_valid_to"] is None or at < version["_valid_to"]))


def change(op: str, lsn: int, second: int, **row: Any) -> Row:
    told = {"_op": op, "_commit_lsn": lsn, "_ordinal": 0, "_commit_at": BEGAN + timedelta(seconds=second)}
    return {"shelf": 1, "place": "a", "pieces": None, "note": None, "picture": None, "_unchanged": []} | told | row


def test_a_clock_that_went_back_does_not_change_the_order_of_versions(ask: Any) -> None:
    changes = [change("c", 1, 60, pieces=1), change("u", 2, 0, pieces=2), change("u", 3, 90, pieces=3)]
    versions = sorted(ask("row_versions", changes), key=lambda row: row["_commit_lsn"])
    assert [(row["pieces"], (row["_valid_from"] - BEGAN).seconds) for row in versions] == [(2, 60), (3, 90)]


def test_a_value_left_out_is_taken_from_the_row_that_had_the_other_key(ask: Any) -> None:
    changes = [
        change("c", 1, 1, pieces=1, note="kept"),
        change("d", 2, 2),
        change("c", 2, 2, _ordinal=1, place="b", pieces=2, _unchanged=["note"]),
        change("c", 3, 3, pieces=3, note="another"),
    ]
    assert [(row["place"], row["note"]) for row in sorted(ask("rows_now", changes), key=lambda row: row["place"])] == [
        ("a", "another"),
        ("b", "kept"),
    ]
