"""Events gathered by table and made into bronze rows in columns."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from pipelines.debezium.envelopes import Event
from pipelines.debezium.kinds import Kind, kind_of, kind_of_value, reader, text
from pipelines.postgres.columns import BESIDE, widest
from pipelines.postgres.rows import META, OURS
from pipelines.postgres.shapes import Misfit


def bronze_batch(table: str, events: Sequence[Event], known: Mapping[str, pa.DataType], load_id: str) -> pa.Table:
    """Make the rows of one table's events; ``known`` are the columns that bronze has of it.

    Raises Misfit for a column whose type has become one that its column in bronze can't hold.
    """
    names = list(dict.fromkeys(name for event in events for name in event.row))
    columns: dict[str, pa.Array] = {}
    for name in names:
        if name in META or name.endswith(BESIDE):
            raise Misfit(f"{table} has a column named {name}, a name that Boathouse gives its own column.")
        columns |= _column(table, name, events, known.get(name))
    ours = {
        "_op": [event.op for event in events],
        "_commit_lsn": [event.place[0] for event in events],
        "_ordinal": [event.place[1] for event in events],
        "_commit_at": [event.commit_at for event in events],
        "_xid": [event.xid for event in events],
        "_unchanged": [list(event.unchanged) for event in events],
        "_load_id": [load_id] * len(events),
    }
    return pa.table({**columns, **{one.name: pa.array(ours[one.name], one.type) for one in OURS}})


def _column(table: str, name: str, events: Sequence[Event], known: pa.DataType | None) -> dict[str, pa.Array]:
    kinds = [_kind(event, name, known) for event in events]
    found = known
    for kind in kinds:
        if kind is not None:
            wider = kind.type if found is None else pa.string() if found == pa.string() else widest(found, kind.type)
            if wider is None:
                raise Misfit(
                    f"Column {name} of {table} changed its type from {found} to {kind.type}, which its column in "
                    "bronze can't hold; rename that column in the catalogue, and the next load goes on."
                )
            found = wider
    if found is None:
        return {}
    values, beside = [], []
    for event, kind in zip(events, kinds, strict=True):
        value, left = _read(event.row.get(name), kind)
        values.append(text(value) if found == pa.string() and value is not None else value)
        beside.append(left)
    columns = {name: pa.array(values, found)}
    return columns | ({f"{name}{BESIDE}": pa.array(beside, pa.string())} if any(beside) else {})


def _kind(event: Event, name: str, known: pa.DataType | None) -> Kind | None:
    """Give the kind of an event's value: by its schema, else by the column that is there, else by the value."""
    if name in event.fields:
        return kind_of(dict(event.fields[name]))
    if event.row.get(name) is None:
        return None
    return kind_of_value(event.row[name]) if known is None else Kind(known, reader(known))


def _read(value: Any, kind: Kind | None) -> tuple[Any, str | None]:
    """Give a value as its column's type has it, or its text for the column beside."""
    if value is None or kind is None:
        return None, None
    try:
        return kind.read(value), None
    except (ValueError, KeyError, TypeError):
        return None, kind.far(value)
