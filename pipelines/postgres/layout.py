"""How the source's catalogue numbers a table's columns: what a change of them means for rows that didn't change."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pipelines.postgres.api import Connection
from pipelines.postgres.columns import widest
from pipelines.postgres.kinds import Kinds

Layout = dict[str, tuple[int, int, int]]
"""Of each column by name: its number (pg_attribute.attnum), which it keeps for life, its type's oid and modifier.

One that was dropped has the name that Postgres gives it (``........pg.dropped.7........``) and no type (0); one that
is generated out of others, which nothing tells of, has the type -1.
"""

LAYOUTS = """
SELECT n.nspname::text, c.relname::text, a.attname::text, a.attnum::int,
       CASE a.attgenerated WHEN '' THEN a.atttypid::int8 ELSE -1 END, a.atttypmod,
       a.atthasdef OR a.atthasmissing OR a.attidentity <> ''
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE (n.nspname, c.relname) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
  AND a.attnum > 0
ORDER BY 1, 2, a.attnum
"""
TEXT, VARCHAR = 25, 1043


class Seen(NamedTuple):
    """A layout as it is now, and the columns that rows may have got a value in when they were added."""

    layout: Layout
    filled: frozenset[str]


def read_layouts(connection: Connection, tables: Collection[tuple[str, str]]) -> dict[tuple[str, str], Seen]:
    """Read the layouts of tables, by schema and name; those that aren't there are left out."""
    layouts: dict[tuple[str, str], Layout] = {}
    filled: dict[tuple[str, str], set[str]] = {}
    given = [schema for schema, _ in tables], [name for _, name in tables]
    for schema, table, name, number, oid, typmod, is_filled in connection.execute(LAYOUTS, given):
        key = str(schema), str(table)
        layouts.setdefault(key, {})[str(name)] = int(str(number)), int(str(oid)), int(str(typmod))
        if is_filled:
            filled.setdefault(key, set()).add(str(name))
    return {key: Seen(layout, frozenset(filled.get(key, ()))) for key, layout in layouts.items()}


def read_layout(connection: Connection, schema: str, name: str) -> Layout:
    """Read the layout of one table; it is empty when there is no such table."""
    return read_layouts(connection, [(schema, name)]).get((schema, name), Seen({}, frozenset())).layout


def living(layout: Layout) -> Layout:
    """Leave out the columns that were dropped or are generated."""
    return {name: place for name, place in layout.items() if place[1] > 0}


@dataclass(frozen=True)
class Before:
    """What is known of a table until now: its layout when it was last looked at, and when the load began.

    ``names`` are those of every column that was looked at since, ``held`` the columns that bronze has.
    """

    layout: Layout
    first: Layout
    names: Collection[str]
    held: Collection[str]


def changed_unseen(before: Before, seen: Seen, said: Sequence[str], kinds: Kinds) -> str:
    """Say why rows that didn't change hold other values after a change of columns; empty when they don't.

    Postgres tells of such a change by the next row that changes, and never of the others: a column that was added
    with a default, renamed, dropped and added anew, or rewritten as another type. What is ``seen`` is the catalogue's
    now; the columns that rows are ``said`` to have next may be those of a time between.
    """
    after, filled = seen
    last = max((number for number, _, _ in before.layout.values()), default=0)
    gone = min((number for number, oid, _ in after.values() if oid == 0 and number > last), default=None)
    for name, (number, oid, typmod) in living(after).items():
        if name not in before.layout:
            if number <= last:
                return f"column {name} was renamed"
            if name in filled:
                return f"column {name} was added with a default"
            if name in before.held or (gone is not None and gone < number):
                return f"column {name} was added after another one was dropped"
            continue
        old_number, old_oid, old_typmod = before.layout[name]
        if old_oid < 0:
            return f"column {name} was generated until now"
        if number != old_number:
            return f"column {name} was dropped and added anew"
        if (oid, typmod) != (old_oid, old_typmod) and not _same_text((old_oid, old_typmod), (oid, typmod), kinds):
            return f"column {name} was rewritten as another type"
    return _renamed_between(before, after, said)


def _renamed_between(before: Before, after: Layout, said: Sequence[str]) -> str:
    """Say that rows have a column whose values another one may hold by now."""
    new = [name for name in living(after) if name not in before.first]
    later = [name for name in said if name not in before.first]
    for name in later:
        if new and name not in after and name not in before.names:
            return f"column {name} was added, and then dropped or renamed"
        # Columns come in the order of their numbers, and those that were added before it are still there.
        if name in new and later.index(name) < new.index(name):
            return f"column {name} was added twice"
    return ""


def _same_text(before: tuple[int, int], after: tuple[int, int], kinds: Kinds) -> bool:
    old, new = kinds.column("", *before), kinds.column("", *after)
    if old.is_text or new.is_text:
        grown = after[1] == -1 or -1 < before[1] <= after[1]
        return {before[0], after[0]} <= {TEXT, VARCHAR} and grown
    return widest(old.type, new.type) is not None
