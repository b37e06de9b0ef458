"""What differs between two releases: rows of gold by their grain, loads of bronze, and models."""

from collections.abc import Mapping
from typing import NamedTuple

import duckdb
import sqlglot
from pyiceberg.catalog import Catalog
from pyiceberg.table import Table

from lake.catalogue import find_table
from lake.commits import Mark
from lake.pins import Pin
from lake.proofs import loads_of
from lake.readers import connect, scan
from lake.releases import Release
from lake.settings import Settings
from lake.table_diffs import Side, TableDiff, compare_tables
from lake.warehouse import GOLD


class ReleaseDiff(NamedTuple):
    """How one release differs from another: table to its difference, and the names of what only one of them has."""

    tables: Mapping[str, TableDiff]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    loads: Mapping[str, tuple[Mark, ...]]
    models: tuple[str, ...]

    def lines(self) -> list[str]:
        """Say it in lines of text."""
        said = [line for name, diff in self.tables.items() for line in diff.lines(f"gold.{name}")]
        said += [f"gold.{name}: new" for name in self.added]
        said += [f"gold.{name}: no more" for name in self.removed]
        for table, marks in self.loads.items():
            said += [f"load of bronze.{table}: {mark.load_id} ({mark.writer})" for mark in marks]
        said += [f"model: {name}" for name in self.models]
        return said or ["nothing differs"]


def diff_releases(settings: Settings, catalogue: Catalog, before: Release, after: Release) -> ReleaseDiff:
    """Compare the gold of two releases, row by row where a table's snapshot isn't the same, and what they are made of.

    Raises duckdb.Error when a snapshot that one of them names is gone.
    """
    both = sorted(before.gold.keys() & after.gold.keys())
    differing = [name for name in both if before.gold[name].snapshot_id != after.gold[name].snapshot_id]
    with connect(settings) as connection:
        tables = {name: diff_pins(connection, name, before.gold[name], after.gold[name]) for name in differing}
    return ReleaseDiff(
        tables,
        tuple(sorted(after.gold.keys() - before.gold.keys())),
        tuple(sorted(before.gold.keys() - after.gold.keys())),
        loads_between(catalogue, before, after),
        models_between(before, after),
    )


def diff_pins(
    connection: duckdb.DuckDBPyConnection, table: str, before: Pin, after: Pin, where: str = "TRUE"
) -> TableDiff:
    """Compare a gold table's rows that meet a condition at two snapshots; a key that is a hash is told with its id."""

    def side(name: str, pin: Pin) -> Side:
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * FROM {scan(pin)} WHERE {where}")
        columns = connection.execute(f"DESCRIBE {name}").fetchall()
        return sqlglot.exp.to_table(name), {str(row[0]): str(row[1]) for row in columns}

    sides = side("rows_now", after), side("rows_before", before)
    grain = GOLD.get(table, ())
    ids = [f"{name.removesuffix('_key')}_id" for name in grain if name.endswith("_key")]
    return compare_tables(lambda query: connection.execute(query.sql("duckdb")).fetchall(), *sides, (*grain, *ids))


def loads_between(catalogue: Catalog, before: Release, after: Release) -> dict[str, tuple[Mark, ...]]:
    """Find the loads of bronze that the later release has and the earlier one hasn't: table to marks, oldest first."""
    found: dict[str, tuple[Mark, ...]] = {}
    for name, pin in sorted(after.bronze.items()):
        old = before.bronze.get(name)
        table = find_table(catalogue, pin.table) if old is None or old.snapshot_id != pin.snapshot_id else None
        if table is not None:
            known = _history(table, old.snapshot_id) if old else set[int]()
            new = _history(table, pin.snapshot_id) - known
            marks = tuple(mark for mark, snapshot in loads_of(table) if snapshot in new)
            if marks:
                found[name] = marks
    return found


def models_between(before: Release, after: Release) -> tuple[str, ...]:
    """Name the project's files that say otherwise in one release than in the other."""
    names = before.models.keys() | after.models.keys()
    return tuple(sorted(name for name in names if before.models.get(name) != after.models.get(name)))


def _history(table: Table, snapshot_id: int) -> set[int]:
    """Give a snapshot and all those that came before it."""
    parents = {one.snapshot_id: one.parent_snapshot_id for one in table.snapshots()}
    found: set[int] = set()
    at: int | None = snapshot_id
    while at is not None and at not in found:
        found.add(at)
        at = parents.get(at)
    return found
