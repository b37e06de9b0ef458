"""The tables of drift: ``ops.drift`` says what changed, ``ops.shapes`` what each load's documents looked like."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

import pyarrow as pa
from pyiceberg.catalog import Catalog

from lake.catalogue import ensure_table, find_table
from lake.commits import Mark, commit_once
from lake.drift.changes import Change
from lake.drift.shapes import Shape, as_json, from_json
from lake.proofs import Tally

OPS = "ops"
AT = pa.timestamp("us", tz="UTC")
DRIFT_SCHEMA = pa.schema(
    [
        ("table", pa.string()),
        ("lane", pa.string()),
        ("kind", pa.string()),
        ("path", pa.string()),
        ("detail", pa.string()),
        ("count", pa.int64()),
        ("documents", pa.int64()),
        ("example", pa.string()),
        ("first_seen", AT),
        ("seen", AT),
    ]
)
SHAPES_SCHEMA = pa.schema(
    [
        ("table", pa.string()),
        ("lane", pa.string()),
        ("loads", pa.list_(pa.string())),
        ("shape", pa.string()),
        ("at", AT),
    ]
)

Shapes = dict[tuple[str, str], Shape]
Loads = dict[str, list[str]]
"""Table to the loads of it."""


def known_drift(catalogue: Catalog, ops: str = OPS) -> list[dict[str, Any]]:
    """Read all drift, oldest first, as rows of DRIFT_SCHEMA."""
    table = find_table(catalogue, f"{ops}.drift")
    if table is None or table.current_snapshot() is None:
        return []
    return list(table.scan().to_arrow().sort_by([("seen", "ascending"), ("table", "ascending")]).to_pylist())


def known_shapes(catalogue: Catalog, ops: str = OPS) -> tuple[Shapes, set[tuple[str, str]]]:
    """Read the shape that each table and lane has had so far, and which (table, load) pairs are in it."""
    shapes: Shapes = {}
    watched: set[tuple[str, str]] = set()
    table = find_table(catalogue, f"{ops}.shapes")
    if table is None or table.current_snapshot() is None:
        return shapes, watched
    for row in table.scan().to_arrow().to_pylist():
        key = (row["table"], row["lane"])
        shapes[key] = shapes.get(key, Shape()).merged(from_json(row["shape"]))
        watched |= {(row["table"], load) for load in row["loads"]}
    return shapes, watched


def record_drift(catalogue: Catalog, changes: Iterable[Change], loads: Loads, at: datetime, ops: str = OPS) -> None:
    """Append what changed in one commit; ``first_seen`` is taken from the first row of the same drift."""
    found = list(changes)
    if not found:
        return
    earlier = known_drift(catalogue, ops)
    first = {(row["table"], row["lane"], row["kind"], row["path"]): row["first_seen"] for row in reversed(earlier)}
    rows = [
        asdict(one) | {"seen": at, "first_seen": first.get((one.table, one.lane, one.kind, one.path), at)}
        for one in found
    ]
    table = ensure_table(catalogue, f"{ops}.drift", DRIFT_SCHEMA)
    mark = Mark("drift", f"drift-{loads_hash(loads)}", claim_count=len(rows))
    commit_once(table, [pa.Table.from_pylist(rows, schema=DRIFT_SCHEMA)], mark)


def record_shapes(catalogue: Catalog, shapes: Shapes, loads: Loads, at: datetime, ops: str = OPS) -> None:
    """Append the shapes of the loads watched now, and which they were: last of all, so that a crash watches again."""
    rows = [
        {"table": name, "lane": lane, "loads": [], "shape": as_json(shape), "at": at}
        for (name, lane), shape in shapes.items()
    ]
    nothing = as_json(Shape())
    rows += [{"table": name, "lane": "", "loads": ids, "shape": nothing, "at": at} for name, ids in loads.items()]
    table = ensure_table(catalogue, f"{ops}.shapes", SHAPES_SCHEMA)
    mark = Mark("shapes", f"shapes-{loads_hash(loads)}", claim_count=len(rows))
    commit_once(table, [pa.Table.from_pylist(rows, schema=SHAPES_SCHEMA)], mark)


def loads_hash(loads: Loads) -> str:
    """Hash which loads of which tables these are, whatever their order."""
    tally = Tally()
    for name, ids in loads.items():
        for load in ids:
            tally.add(name, load)
    return tally.hash
