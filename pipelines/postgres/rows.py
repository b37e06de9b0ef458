"""Rows of a bronze change table: the source's columns, then ours."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa

from pipelines.postgres.columns import Column

OURS = pa.schema(
    [
        ("_op", pa.string()),
        ("_commit_lsn", pa.int64()),
        ("_ordinal", pa.int64()),
        ("_commit_at", pa.timestamp("us", tz="UTC")),
        ("_xid", pa.int64()),
        ("_unchanged", pa.list_(pa.string())),
        ("_load_id", pa.string()),
    ]
)
META = tuple(OURS.names)


def bronze_schema(columns: Sequence[Column], beside: Collection[str] = ()) -> pa.Schema:
    """Give a bronze table's schema: the source's columns with comments, those named ``beside``, then ours."""
    fields = []
    for column in columns:
        fields.append(column.field)
        if column.beside is not None and column.beside.name in beside:
            fields.append(column.beside)
    return pa.schema([*fields, *OURS])


def bronze_rows(
    columns: Mapping[str, pa.Array],
    *,
    ops: Sequence[str],
    lsns: Sequence[int],
    ordinals: Sequence[int],
    commit_ats: Sequence[int | datetime],
    xids: Sequence[int | None],
    unchanged: Sequence[Sequence[str]],
    load_id: str,
) -> pa.Table:
    """Put typed columns and our own together; all have the same length. Times count microseconds since 1970."""
    values = (ops, lsns, ordinals, commit_ats, xids, unchanged, [load_id] * len(ops))
    ours = {field.name: pa.array(given, field.type) for field, given in zip(OURS, values, strict=True)}
    return pa.table({**columns, **ours})


def snapshot_columns(count: int, ordinal: int, lsn: int, at: datetime, load_id: str) -> dict[str, pa.Array]:
    """Give our columns for ``count`` rows of a snapshot, numbered from ``ordinal`` on."""
    made = {
        "_op": pa.repeat(pa.scalar("r", pa.string()), count),
        "_commit_lsn": pa.repeat(pa.scalar(lsn, pa.int64()), count),
        "_ordinal": pa.array(np.arange(ordinal, ordinal + count, dtype=np.int64)),
        "_commit_at": pa.repeat(pa.scalar(at, OURS.field("_commit_at").type), count),
        "_xid": pa.nulls(count, pa.int64()),
        "_unchanged": pa.ListArray.from_arrays(np.zeros(count + 1, np.int32), pa.array([], pa.string())),
        "_load_id": pa.repeat(pa.scalar(load_id, pa.string()), count),
    }
    return {name: made[name] for name in META}


def emptied_row(lsn: int, at: datetime, load_id: str) -> pa.Table:
    """Give the row that empties a table before its rows, numbered from 0 on at the position ``lsn``, come anew."""
    return bronze_rows(
        {},
        ops=["t"],
        lsns=[lsn],
        ordinals=[-1],
        commit_ats=[at],
        xids=[None],
        unchanged=[[]],
        load_id=load_id,
    )
