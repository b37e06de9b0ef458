"""What differs between two tables with the same grain: columns, rows, and some of the keys of the rows that do."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlglot import expressions as sql

from lake.drift.masks import masked

SHOWN = 10
"""Keys of differing rows that are told."""
ADDED, REMOVED, CHANGED = "+", "-", "~"

Ask = Callable[[Any], list[Any]]
Side = tuple[sql.Expr, Mapping[str, str]]
"""A table, and its columns with their types."""


class Key(NamedTuple):
    """A row that differs: added (+), removed (-) or changed (~), and the values of its grain."""

    sign: str
    values: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        """Write it as ``~ order_id=5``; an e-mail address is shown by its form."""
        return f"{self.sign} " + " ".join(f"{name}={_shown(name, value)}" for name, value in self.values)


@dataclass(frozen=True)
class TableDiff:
    """How a table differs from what it was.

    Columns are ``name type``; ``changed`` rows have the same grain and another value in a column of both, and
    ``values`` says in how many of them each column differs.
    """

    columns_added: tuple[str, ...]
    columns_removed: tuple[str, ...]
    rows: int
    rows_before: int
    added: int
    removed: int
    changed: int
    values: Mapping[str, int]
    keys: tuple[Key, ...]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not (self.columns_added or self.columns_removed or self.added or self.removed or self.changed)

    def lines(self, name: str) -> list[str]:
        """Say it in lines of text."""
        counts = f"{self.rows_before:,} rows, now {self.rows:,} (+{self.added:,} -{self.removed:,} ~{self.changed:,})"
        said = [f"{name}: {counts}" + (", the same" if self.same else "")]
        said += [f"  + column {column}" for column in self.columns_added]
        said += [f"  - column {column}" for column in self.columns_removed]
        if self.values:
            said.append("  ~ " + ", ".join(f"{column} in {count:,}" for column, count in self.values.items()))
        said += [f"  {key}" for key in self.keys]
        more = self.added + self.removed + self.changed - len(self.keys)
        return [*said, f"  and {more:,} rows more"] if more > 0 and self.keys else said


def compare_tables(ask: Ask, ours: Side, theirs: Side, grain: Collection[str]) -> TableDiff:
    """Compare ``ours`` with ``theirs`` (before); ``ask`` runs a query, and the columns of ``grain`` tell rows apart.

    Without a column of the grain in both tables whole rows are compared.
    """
    now, before = ({name: f"{name.lower()} {kind}" for name, kind in columns.items()} for _, columns in (ours, theirs))
    shared = [name for name in now if before.get(name) == now[name]]
    grain = {name.lower() for name in grain}
    keys = [name for name in shared if name.lower() in grain] or shared
    both = _Both(ours[0], theirs[0], shared, keys)
    row = [int(one or 0) for one in ask(both.counts())[0]]
    rows, rows_before, added, removed, changed = row[:5]
    found = ask(both.differing()) if added or removed or changed else []
    return TableDiff(
        columns_added=tuple(sorted(text for name, text in now.items() if before.get(name) != text)),
        columns_removed=tuple(sorted(text for name, text in before.items() if now.get(name) != text)),
        rows=rows,
        rows_before=rows_before,
        added=added,
        removed=removed,
        changed=changed,
        values={name.lower(): count for name, count in zip(both.compared, row[5:], strict=True) if count},
        keys=tuple(Key(str(sign), _named(keys, values)) for sign, *values in found),
    )


def _named(keys: list[str], values: list[Any]) -> tuple[tuple[str, str], ...]:
    return tuple((key.lower(), str(value)) for key, value in zip(keys, values, strict=True))


class _Both:
    """Two tables side by side, joined by their keys."""

    def __init__(self, now: sql.Expr, before: sql.Expr, shared: list[str], keys: list[str]) -> None:
        self._now, self._before, self._keys = now, before, keys
        self.compared = [name for name in shared if name not in keys]
        self._mark = "_THERE" if all(name.isupper() for name in shared) else "_there"

    def counts(self) -> sql.Expr:
        """Count the rows now and before, those added, removed and changed, and the changes of each column."""
        each = [_count(sql.and_(self._is_now(), self._is_before(), self._differs(name))) for name in self.compared]
        return self._joined(
            _count(self._is_now()),
            _count(self._is_before()),
            _count(self._is_before().not_()),
            _count(self._is_now().not_()),
            _count(self._changed()),
            *each,
        )

    def differing(self) -> sql.Expr:
        """Give the keys of some rows that differ, each with its sign."""
        sign = (
            sql.Case()
            .when(self._is_before().not_(), sql.Literal.string(ADDED))
            .when(self._is_now().not_(), sql.Literal.string(REMOVED))
            .else_(sql.Literal.string(CHANGED))
        )
        keys = [sql.func("COALESCE", _side("now", key), _side("before", key)) for key in self._keys]
        wanted = sql.or_(self._is_before().not_(), self._is_now().not_(), self._changed())
        places = [str(place) for place in range(2, len(keys) + 2)]
        return self._joined(sign, *keys).where(wanted).order_by(*places).limit(SHOWN)

    def _joined(self, *columns: sql.Expr) -> sql.Select:
        same_row = sql.and_(
            *(sql.NullSafeEQ(this=_side("now", key), expression=_side("before", key)) for key in self._keys)
        )
        tables = [self._marked(self._now, "now"), self._marked(self._before, "before")]
        return sql.select(*columns).from_(tables[0]).join(tables[1], on=same_row, join_type="full")

    def _marked(self, table: sql.Expr, alias: str) -> sql.Expr:
        star = sql.select("*", sql.alias_(sql.Literal.number(1), self._mark, quoted=True))
        return star.from_(table.copy()).subquery(alias)

    def _is_now(self) -> sql.Expr:
        return _side("now", self._mark).is_(sql.null()).not_()

    def _is_before(self) -> sql.Expr:
        return _side("before", self._mark).is_(sql.null()).not_()

    def _differs(self, name: str) -> sql.Expr:
        return sql.NullSafeNEQ(this=_side("now", name), expression=_side("before", name))

    def _changed(self) -> sql.Expr:
        differs = sql.or_(*(self._differs(name) for name in self.compared)) if self.compared else sql.false()
        return sql.and_(self._is_now(), self._is_before(), sql.paren(differs))


def _side(name: str, column: str) -> sql.Expr:
    return sql.column(column, table=name, quoted=True)


def _count(condition: sql.Expr) -> sql.Expr:
    return sql.func("COALESCE", sql.Sum(this=sql.Case().when(condition, "1").else_("0")), sql.Literal.number(0))


def _shown(name: str, value: str) -> str:
    return masked(value) if "email" in name else value
