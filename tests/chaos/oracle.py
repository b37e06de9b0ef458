"""What bronze says a table holds, beside what the source says."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import psycopg
from psycopg import sql

State = dict[tuple[str | None, ...], dict[str, str | None]]


def state_of_source(connection: psycopg.Connection[tuple[Any, ...]], table: str, key: Sequence[str]) -> State:
    """Read a table of the source: key to row, every value as its text."""
    found = connection.execute(f"SELECT * FROM {table} LIMIT 0".encode())
    names = [column.name for column in found.description or ()]
    texts = ", ".join(f"{sql.Identifier(name).as_string()}::text" for name in names)
    rows = connection.execute(f"SELECT {texts} FROM {table}".encode()).fetchall()
    named = [dict(zip(names, row, strict=True)) for row in rows]
    return {tuple(row[name] for name in key): row for row in named}


def state_of_bronze(rows: Iterable[dict[str, Any]], key: Sequence[str], upto_lsn: int | None = None) -> State:
    """Fold a table's rows in bronze up to a position of the log: key to row, every value as its text."""
    state: State = {}
    gone: tuple[tuple[int, int], dict[str, str | None]] = ((0, 0), {})
    for row in sorted(rows, key=lambda row: (row["_commit_lsn"], row["_ordinal"])):
        place = row["_commit_lsn"], row["_ordinal"]
        if upto_lsn is not None and place[0] >= upto_lsn:
            break
        texts = {
            name: text_of(value if value is not None else row.get(f"{name}__text"))
            for name, value in row.items()
            if not name.startswith("_") and not name.endswith("__text")
        }
        if row["_op"] == "t":
            state.clear()
            continue
        identity = tuple(texts[name] for name in key)
        if row["_op"] == "d":
            gone = place, state.pop(identity)
        else:
            # A row whose key changed is told as gone and come, and the long values stay with the one that went.
            moved = gone[1] if gone[0] == (place[0], place[1] - 1) else {}
            before = state.get(identity) or moved
            state[identity] = texts | {name: before[name] for name in row["_unchanged"]}
    return state


def state_of_silver(rows: Iterable[dict[str, Any]], key: Sequence[str]) -> State:
    """Take a table's rows in silver as they are: key to row, every value as its text."""
    return state_of_bronze(({"_op": "r", "_commit_lsn": 0, "_ordinal": 0, "_unchanged": []} | row for row in rows), key)


def text_of(value: Any) -> str | None:
    """Write a value of bronze as Postgres writes it."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case bytes():
            return "\\x" + value.hex()
        case datetime():
            text = value.strftime("%Y-%m-%d %H:%M:%S.%f").rstrip("0").rstrip(".")
            return f"{text}+00" if value.tzinfo else text
        case date():
            return value.isoformat()
        case float():
            plain = repr(value).removesuffix(".0")
            return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(plain, plain)
        case _:
            return str(value)


def differences(expected: State, found: State) -> list[str]:
    """Say where two states differ; columns that the source no longer has don't count."""
    said = [f"{key} is missing" for key in expected.keys() - found.keys()]
    said += [f"{key} is too much" for key in found.keys() - expected.keys()]
    for key in expected.keys() & found.keys():
        for name, value in expected[key].items():
            other = found[key].get(name)
            if value != other:
                said.append(f"{key}.{name} is {str(other)[:40]!r} and not {str(value)[:40]!r}")
    return said
