"""Rows of a bronze change table: the source's columns, then ours."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import pyarrow as pa


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
    ours = {
        "_op": pa.array(ops, pa.string()),
        "_commit_lsn": pa.array(lsns, pa.int64()),
        "_ordinal": pa.array(ordinals, pa.int64()),
        "_commit_at": pa.array(commit_ats, pa.timestamp("us", tz="UTC")),
        "_xid": pa.array(xids, pa.int64()),
        "_unchanged": pa.array(unchanged, pa.list_(pa.string())),
        "_load_id": pa.array([load_id] * len(ops), pa.string()),
    }
    return pa.table({**columns, **ours})


def no_rows() -> pa.Table:
    """Give our columns without any row."""
    return bronze_rows({}, ops=[], lsns=[], ordinals=[], commit_ats=[], xids=[], unchanged=[], load_id="")
