"""Where a table's rows are in the source: its heaps, cut into ranges of pages that are copied one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from psycopg import sql

from pipelines.postgres.api import Connection
from pipelines.postgres.binary import selected
from pipelines.postgres.tables import SourceTable

LEAST_BYTES, MOST_BYTES = 8 * 2**20, 128 * 2**20
RANGES_A_WORKER = 4
# A partitioned table's rows are in its leaves; only a heap (relkind r) has pages.
HEAPS = """
SELECT c.oid::int8, n.nspname, c.relname, pg_relation_filenode(c.oid)::int8,
       CASE c.relkind WHEN 'r' THEN pg_relation_size(c.oid) / current_setting('block_size')::int ELSE -1 END
FROM (SELECT %(root)s::regclass AS oid WHERE NOT EXISTS (SELECT FROM pg_partition_tree(%(root)s) WHERE isleaf)
      UNION SELECT relid FROM pg_partition_tree(%(root)s) WHERE isleaf) leaf
JOIN pg_class c USING (oid) JOIN pg_namespace n ON n.oid = c.relnamespace ORDER BY c.oid
"""


@dataclass(frozen=True)
class Heap:
    """A relation that holds rows: its oid and name, the file they are in (another one after every rewrite), its pages.

    ``pages`` is -1 when it has none to cut, as a foreign table.
    """

    oid: int
    schema: str
    name: str
    file: int
    pages: int


class Range(NamedTuple):
    """Pages of one heap (its place in the list of heaps), from ``first`` up to ``end``; None is to the heap's end."""

    heap: int
    first: int
    end: int | None


def find_heaps(connection: Connection, table: SourceTable) -> list[Heap]:
    """Ask for the heaps of a table, as large as they are now."""
    root = table.identifier.as_string()
    rows = connection.execute(HEAPS, {"root": root}).fetchall()
    return [Heap(*row) for row in rows]  # type: ignore[arg-type]


def cut(heaps: Sequence[Heap], workers: int, page_bytes: int = 8192) -> list[Range]:
    """Cut heaps into more ranges than workers, none smaller than is worth it or larger than one file should be.

    The last range of a heap has no end: a snapshot sees no row on a page that came later.
    """
    total = sum(max(heap.pages, 0) for heap in heaps) * page_bytes
    step = max(min(max(total // (workers * RANGES_A_WORKER), LEAST_BYTES), MOST_BYTES) // page_bytes, 1)
    found = []
    for place, heap in enumerate(heaps):
        # What would be left over goes with the range before it.
        starts = list(range(0, max(heap.pages - step // 2, 1), step))
        found += [Range(place, first, end) for first, end in zip(starts, [*starts[1:], None], strict=True)]
    return found


def copy_query(table: SourceTable, heap: Heap, pages: Range, since: int | None = None) -> str:
    """Write the COPY of a range; with ``since`` only of the rows that this transaction (xid) or a later one wrote."""
    columns = sql.SQL(", ").join(
        sql.SQL(selected(column, sql.Identifier(column.name).as_string())) for column in table.columns
    )
    row_filter = table.filter_of(heap.schema, heap.name)
    tests = [f"({row_filter})"] if row_filter else []
    if pages.first:
        tests.append(f"ctid >= '({pages.first},0)'::tid")
    if pages.end is not None:
        tests.append(f"ctid < '({pages.end},0)'::tid")
    if since is not None:
        # age() counts back from now and so bears that the numbers begin anew; a row too many is harmless.
        tests.append(f"age(xmin) <= age('{since}'::xid)")
    where = f" WHERE {' AND '.join(tests)}" if tests else ""
    source = sql.Identifier(heap.schema, heap.name).as_string()
    return f"COPY (SELECT {columns.as_string()} FROM ONLY {source}{where}) TO STDOUT (FORMAT binary)"
