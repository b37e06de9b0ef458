"""How the source's catalogue numbers a table's columns: what a change of them means for rows that didn't change."""

from pipelines.postgres.api import Connection
from pipelines.postgres.columns import widest
from pipelines.postgres.kinds import Kinds

Layout = dict[str, tuple[int, int, int]]
"""Of each column by name: its number (pg_attribute.attnum), which it keeps for life, its type's oid and modifier."""

LAYOUT = """
SELECT a.attname::text, a.attnum::int, a.atttypid::int8, a.atttypmod,
       a.atthasdef OR a.atthasmissing OR a.attidentity <> ''
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY a.attnum
"""
TEXT, VARCHAR = 25, 1043


def read_layout(connection: Connection, schema: str, name: str) -> tuple[Layout, frozenset[str]]:
    """Read the layout as it is now, and the columns that rows may have got a value in when they were added."""
    rows = [
        (str(name), (int(str(number)), int(str(oid)), int(str(typmod))), bool(filled))
        for name, number, oid, typmod, filled in connection.execute(LAYOUT, (schema, name))
    ]
    return {name: place for name, place, _ in rows}, frozenset(name for name, _, filled in rows if filled)


def changed_unseen(before: Layout, after: Layout, filled: frozenset[str], kinds: Kinds) -> str:
    """Say why rows that didn't change hold other values after a change of columns; empty when they don't.

    Postgres tells of such a change by the next row that changes, and never of the others: a column that was added
    with a default, renamed, dropped and added anew, or rewritten as another type.
    """
    last = max((number for number, _, _ in before.values()), default=0)
    for name, (number, oid, typmod) in after.items():
        if name not in before:
            if number <= last:
                return f"column {name} was renamed"
            if name in filled:
                return f"column {name} was added with a default"
            continue
        old_number, old_oid, old_typmod = before[name]
        if number != old_number:
            return f"column {name} was dropped and added anew"
        if (oid, typmod) != (old_oid, old_typmod) and not _same_text((old_oid, old_typmod), (oid, typmod), kinds):
            return f"column {name} was rewritten as another type"
    return ""


def _same_text(before: tuple[int, int], after: tuple[int, int], kinds: Kinds) -> bool:
    old, new = kinds.column("", *before), kinds.column("", *after)
    if old.is_text or new.is_text:
        grown = after[1] == -1 or -1 < before[1] <= after[1]
        return {before[0], after[0]} <= {TEXT, VARCHAR} and grown
    return widest(old.type, new.type) is not None
