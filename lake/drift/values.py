"""Values that silver can't read as it means to, or that nobody has told us of."""

from typing import NamedTuple

import duckdb

from lake.drift.changes import Change, Kind
from lake.drift.expectations import CASTS, Expected
from lake.drift.masks import masked, word_or_mask
from lake.drift.shapes import json_path
from lake.readers import quoted

MOST = 1_000
"""Different offending values, and documents of one, that are told singly."""
MEANT = {"money": "an amount of money", "instant": "an instant", "integer": "an integer"}


class Offender(NamedTuple):
    """A document with a value that doesn't cast: its id, why, and all of it."""

    identity: str
    reason: str
    payload: str


def odd_values(
    connection: duckdb.DuckDBPyConnection, documents: str, table: str, lane: str, wanted: Expected, total: int
) -> tuple[list[Change], list[Offender]]:
    """Give the drift of the values in ``documents`` (a view with ``id`` and ``payload``) that aren't as expected.

    With it come the documents whose values don't cast.
    """
    changes: list[Change] = []
    offenders: list[Offender] = []
    casts = wanted.all_casts
    for path, text, count in _found(connection, documents, wanted):
        if path not in casts:
            shown = word_or_mask(text)
            changes.append(
                Change(table, lane, Kind.UNKNOWN_VALUE, path, f"has the unknown value {shown}", count, total, shown)
            )
            continue
        detail = f"can't be read as {MEANT[casts[path]]}"
        changes.append(Change(table, lane, Kind.UNCAST_VALUE, path, detail, count, total, masked(text)))
        whole = (
            f"so its {'item' if '[]' in path else 'document'} is left out of silver"
            if path in wanted.required
            else "so it is NULL in silver"
        )
        reason = f"{path} {detail} ({masked(text)}), {whole}"
        offenders += [Offender(key, reason, payload) for key, payload in _with(connection, documents, path, text)]
    return changes, offenders


def _found(connection: duckdb.DuckDBPyConnection, documents: str, wanted: Expected) -> list[tuple[str, str, int]]:
    """Give path, text and count of every value that doesn't cast or isn't known, in one pass over the documents."""
    paths = [*wanted.all_casts, *wanted.values]
    if not paths:
        return []
    single = [path for path in paths if "[]" not in path]
    said = [f"SELECT unnest(json_extract_string(payload, ?)) AS text, unnest(?::VARCHAR[]) AS path FROM {documents}"]
    values: list[object] = [[json_path(path) for path in single], single]
    for path in paths:
        if path not in single:  # DuckDB takes a path through a list by itself only.
            said.append(f"SELECT unnest(json_extract_string(payload, ?)) AS text, ? AS path FROM {documents}")
            values += [json_path(path), path]
    rows = connection.execute(
        f"""
        WITH said AS ({" UNION ALL ".join(said)}),
        counted AS (SELECT path, text, count(*) AS count FROM said WHERE text IS NOT NULL GROUP BY ALL)
        SELECT path, text, count FROM counted WHERE {_odd(wanted)} ORDER BY ALL LIMIT {MOST}
        """,
        values,
    ).fetchall()
    return [(str(path), str(text), int(count)) for path, text, count in rows]


def _odd(wanted: Expected) -> str:
    cases = [
        f"WHEN path = {quoted(path)} THEN {CASTS[kind].format('text')} IS NULL"
        for path, kind in wanted.all_casts.items()
    ]
    cases += [f"WHEN path = {quoted(path)} THEN {_none_of(known)}" for path, known in wanted.values.items()]
    return f"CASE {' '.join(cases)} END"


def _none_of(known: list[str]) -> str:
    return f"text NOT IN ({', '.join(quoted(value) for value in known)})"


def _with(connection: duckdb.DuckDBPyConnection, documents: str, path: str, text: str) -> list[tuple[str, str]]:
    found = "json_extract_string(payload, $path)"
    has = f"list_contains({found}, $text)" if "[]" in path else f"{found} = $text"
    rows = connection.execute(
        f"SELECT id, payload FROM {documents} WHERE {has} ORDER BY id LIMIT {MOST}",
        {"path": json_path(path), "text": text},
    ).fetchall()
    return [(str(key), str(payload)) for key, payload in rows]
