"""Gold leaves the warehouse: each table that changed becomes one new Iceberg snapshot."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from hashlib import md5

import duckdb
import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.schema import Schema
from pyiceberg.table import Table, Transaction

from lake.catalogue import ensure_table, find_table
from lake.commits import Mark, last_mark, replace_once
from lake.errors import CommitError
from lake.failpoints import reached
from lake.pins import Pin
from lake.proofs import MODULUS

WRITER = "publish"


@dataclass(frozen=True)
class Published:
    """What readers can be given: each gold table's pin, and one order-free hash of all their rows."""

    pins: dict[str, Pin]
    content: str
    changed: tuple[str, ...]


def publish(catalogue: Catalog, tables: Iterable[tuple[str, pa.Table]]) -> Published:
    """Write each (name, rows) to ``gold.<name>`` in one commit a table, and pin all of them.

    A table whose rows are those it has already is left alone. Raises CommitError.
    """
    reached("publish.before")
    pins: dict[str, Pin] = {}
    changed: list[str] = []
    hashes: dict[str, str] = {}
    for name, rows in tables:
        hashes[name] = content_hash(rows)
        table = _table(catalogue, name, rows.schema)
        last = last_mark(table, WRITER)
        if last is None or last.claim_hash != hashes[name]:
            mark = Mark(WRITER, _load_id(table, hashes[name]), "", rows.num_rows, hashes[name], "the warehouse")
            replace_once(table, rows, mark, partial(_reshape, schema=rows.schema))
            changed.append(name)
        reached("publish.table")
        pins[name] = _pin(catalogue, name)
    return Published(pins, _combined(hashes), tuple(changed))


def content_hash(rows: pa.Table) -> str:
    """Hash all rows with their columns' names: 16 hexadecimal digits, whatever the rows' order."""
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT (coalesce(sum(md5_number_lower(rows::VARCHAR)), 0) % {MODULUS}::HUGEINT)::UBIGINT FROM rows"
        ).fetchone()
    assert found is not None
    names = sum(_hash_text(f"{field.name}:{field.type}") for field in rows.schema)
    return f"{(int(found[0]) + names) % MODULUS:016x}"


def _hash_text(text: str) -> int:
    return int.from_bytes(md5(text.encode(), usedforsecurity=False).digest()[8:], "little")


def _combined(hashes: dict[str, str]) -> str:
    return f"{sum(_hash_text(f'{name}={value}') for name, value in hashes.items()) % MODULUS:016x}"


def _load_id(table: Table, content: str) -> str:
    """Name a publication by its content and what it replaces, so that a table may return to what it once was."""
    before = table.current_snapshot()
    return f"{table.name()[-1]}-{content}-{before.snapshot_id if before else 0}"


def _table(catalogue: Catalog, name: str, schema: pa.Schema) -> Table:
    """Load the table as it is, or make it: what changes in its columns belongs into the commit of the rows."""
    return find_table(catalogue, f"gold.{name}") or ensure_table(catalogue, f"gold.{name}", schema)


def _pin(catalogue: Catalog, name: str) -> Pin:
    pin = Pin.of(catalogue.load_table(f"gold.{name}"))
    if pin is None:
        raise CommitError(f"gold.{name} has no snapshot after it was published; run again.")
    return pin


def _reshape(transaction: Transaction, schema: pa.Schema) -> None:
    """Give the table the columns of ``schema`` and no others; a column whose type changed is made anew."""
    have = _columns(transaction.table_metadata.schema())
    want = {field.name: field.type for field in schema}
    stale = [name for name, kind in have.items() if name not in want or not _same(kind, want[name])]
    if stale:
        with transaction.update_schema(allow_incompatible_changes=True) as update:
            for name in stale:
                update.delete_column(name)
    if stale or want.keys() - have.keys():
        with transaction.update_schema() as update:
            update.union_by_name(schema)


def _columns(schema: Schema) -> dict[str, pa.DataType]:
    return {field.name: field.type for field in schema_to_pyarrow(schema, include_field_ids=False)}


def _same(ours: pa.DataType, theirs: pa.DataType) -> bool:
    def plain(kind: pa.DataType) -> str:
        return str(kind).replace("large_", "")

    return plain(ours) == plain(theirs)
