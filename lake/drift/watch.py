"""Looks at every load of documents once, and keeps what drifted in it."""

from dataclasses import replace
from datetime import UTC, datetime

import duckdb
import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.table import Table

from lake.catalogue import ensure_table
from lake.commits import Mark, commit_once
from lake.documents import QUARANTINE_SCHEMA
from lake.drift.changes import Change, Kind, compare
from lake.drift.expectations import expected
from lake.drift.ledger import OPS, Loads, Shapes, known_shapes, loads_hash, record_drift, record_shapes
from lake.drift.masks import masked
from lake.drift.shapes import Shape, first_text, shape_of
from lake.drift.values import odd_values
from lake.failpoints import reached
from lake.pins import Pin
from lake.proofs import loads_of, order_free_hash
from lake.readers import connect, quoted, scan
from lake.settings import Settings

WRITER = "drift"
SEEN = "watched"


def watch(settings: Settings, catalogue: Catalog, bronze: str = "bronze", ops: str = OPS) -> list[Change]:
    """Compare the documents of every load that wasn't looked at yet with those before, and give what drifted.

    Nothing is held back: drift is recorded in ``ops.drift``, and a value that silver can't cast is put into
    ``quarantine`` with its reason, beside the document that landed. ``bronze`` and ``ops`` are the namespaces of the
    documents and of the ledger. Raises CommitError.
    """
    before, watched = known_shapes(catalogue, ops)
    at = datetime.now(UTC)
    now: Shapes = {}
    loads: Loads = {}
    changes: list[Change] = []
    rejects: list[dict[str, object]] = []
    with connect(settings) as connection:
        for name in sorted(catalogue.list_tables(bronze)):
            table = catalogue.load_table(name)
            news = [load for load in _loads(table) if (name[-1], load) not in watched]
            if not news or "payload" not in table.schema().column_names or name[-1] == "quarantine":
                continue
            loads[name[-1]] = news
            for lane in _lanes(connection, table, news):
                shape, found, bad = _look(connection, name[-1], lane, before.get((name[-1], lane), Shape()))
                now[name[-1], lane] = shape
                changes += found
                rejects += bad
    if loads:
        _quarantine(catalogue, f"{bronze}.quarantine", f"{WRITER}-{loads_hash(loads)}", rejects, at)
        record_drift(catalogue, changes, loads, at, ops)
        reached("drift.recorded")
        record_shapes(catalogue, now, loads, at, ops)
    return changes


def _loads(table: Table) -> list[str]:
    return [mark.load_id for mark, snapshot in loads_of(table) if snapshot is not None]


def _lanes(connection: duckdb.DuckDBPyConnection, table: Table, loads: list[str]) -> list[str]:
    """Have the connection see the documents of ``loads``, and give the lanes that brought them."""
    pin = Pin.of(table)
    if pin is None:
        return []
    wanted = ", ".join(map(quoted, loads))
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {SEEN}_loads AS SELECT id, payload, _lane FROM {scan(pin)}"
        f" WHERE _load_id IN ({wanted}) AND _op <> 'delete' AND json_valid(payload)"
    )
    lanes = connection.execute(f"SELECT DISTINCT _lane FROM {SEEN}_loads ORDER BY 1").fetchall()
    return [str(lane) for (lane,) in lanes]


def _look(
    connection: duckdb.DuckDBPyConnection, table: str, lane: str, before: Shape
) -> tuple[Shape, list[Change], list[dict[str, object]]]:
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW {SEEN} AS SELECT id, payload FROM {SEEN}_loads WHERE _lane = {quoted(lane)}"
    )
    shape, wanted = shape_of(connection, SEEN), expected(table, lane)
    odd, offenders = odd_values(connection, SEEN, table, lane, wanted, shape.documents)
    source = table.partition("_")[0]
    rows: list[dict[str, object]] = [
        {"id": one.identity, "source": source, "object": table, "reason": one.reason, "payload": one.payload}
        for one in offenders
    ]
    changes = [replace(one, example=_example(connection, one)) for one in compare(table, lane, before, shape)]
    return shape, changes + odd, rows


def _example(connection: duckdb.DuckDBPyConnection, change: Change) -> str:
    """Give the form of one value of a field that is new or of another type."""
    if change.kind not in (Kind.NEW_FIELD, Kind.CHANGED_TYPE):
        return ""
    text = first_text(connection, change.path)
    return "" if text is None else masked(text)


def _quarantine(catalogue: Catalog, name: str, load_id: str, rows: list[dict[str, object]], at: datetime) -> None:
    """Append the documents whose values don't cast, once however often they are looked at."""
    if not rows:
        return
    same = {"_received_at": at, "_load_id": load_id}
    rejects = pa.Table.from_pylist([row | same for row in rows], schema=QUARANTINE_SCHEMA)
    claimed = order_free_hash(rejects["id"], rejects["reason"])
    said = "values that silver can't cast"
    mark = Mark(WRITER, load_id, "", rejects.num_rows, claimed, said, identity="id,reason")
    commit_once(ensure_table(catalogue, name, QUARANTINE_SCHEMA, partition_day="_received_at"), [rejects], mark)
