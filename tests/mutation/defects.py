"""Defects made in a model's SQL: another join, a dropped filter, a shifted day, a doubled row, swapped columns."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import duckdb
from sqlglot import exp

Change = Callable[[Any], exp.Expr | None]
OTHERS: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.GT: exp.GTE,
    exp.GTE: exp.GT,
    exp.LT: exp.LTE,
    exp.LTE: exp.LT,
    exp.Sum: exp.Max,
    exp.Max: exp.Min,
    exp.Min: exp.Max,
}
DAY = exp.Interval(this=exp.Literal.string("1"), unit=exp.var("DAY"))
KINDS = ("wrong join", "dropped filter", "shifted day", "doubled row")
"""The kinds of which no model may miss any."""


class Defect(NamedTuple):
    """A model's query with one thing wrong: the kind of mistake, and where in words."""

    kind: str
    where: str
    query: exp.Query


def defects(query: exp.Query) -> Iterator[Defect]:
    """Make every defect that there is room for in a query."""
    yield from _changed(query, "wrong join", exp.Join, _other_join)
    yield from _changed(query, "dropped filter", (exp.Where, exp.Having, exp.Qualify), _nothing_filtered)
    yield from _dropped_conditions(query)
    yield from _changed(query, "wrong boundary", (exp.GT, exp.GTE, exp.LT, exp.LTE), _other_kind)
    yield from _changed(query, "wrong aggregate", (exp.Sum, exp.Max, exp.Min), _other_kind)
    yield from _changed(query, "wrong order", exp.Ordered, _other_order)
    yield from _changed(query, "lost fallback", exp.Coalesce, lambda one: one.this.copy())
    yield from _changed(query, "doubled count", exp.Distinct, _counted_twice)
    yield from _columns(query)
    once, again = (exp.select("*").from_(query.copy().subquery(name)) for name in ("once", "again"))
    yield Defect("doubled row", "the whole query", exp.union(once, again, distinct=False))


def _columns(query: exp.Query) -> Iterator[Defect]:
    """Shift days, turn signs and swap columns of the same type in what the query gives."""
    for place, column in enumerate(query.expressions):
        kind = column.this.to if isinstance(column.unalias(), exp.Cast) and isinstance(column, exp.Alias) else None
        if kind is None:
            continue
        if kind.is_type(*exp.DataType.TEMPORAL_TYPES):
            yield _column(query, place, "shifted day", exp.Add(this=column.this.copy(), expression=DAY.copy()))
        if kind.is_type("decimal"):
            yield _column(query, place, "wrong sign", exp.Neg(this=exp.paren(column.this)))
        following = query.expressions[place + 1 :]
        same = [other for other in following if isinstance(other.unalias(), exp.Cast) and other.this.to == kind]
        if same:
            yield _column(query, place, "swapped column", same[0].this.copy(), f" by {same[0].alias}")


def _column(query: exp.Query, place: int, kind: str, value: exp.Expr, more: str = "") -> Defect:
    wrong = query.copy()
    column = wrong.expressions[place]
    column.set("this", exp.cast(value, column.this.to))
    return Defect(kind, column.alias + more, wrong)


def _changed(query: exp.Query, kind: str, types: Any, change: Change) -> Iterator[Defect]:
    places = sum(1 for _ in query.find_all(types))
    for place in range(places):
        wrong = query.copy()
        node = list(wrong.find_all(types))[place]
        where, other = node.sql("duckdb"), change(node)
        if other is not None:
            node.replace(other)
            yield Defect(kind, where, wrong)


def _dropped_conditions(query: exp.Query) -> Iterator[Defect]:
    """Drop one of several conditions of a filter or a join at a time."""

    def conditions(tree: exp.Query) -> list[tuple[str, exp.Expr]]:
        heads = [("dropped filter", one.this) for one in tree.find_all(exp.Where, exp.Having, exp.Qualify)]
        heads += [("wrong join", one.args["on"]) for one in tree.find_all(exp.Join) if one.args.get("on")]
        return [(kind, part) for kind, head in heads if isinstance(head, exp.And) for part in head.flatten()]

    for place in range(len(conditions(query))):
        wrong = query.copy()
        kind, part = conditions(wrong)[place]
        where = part.sql("duckdb")
        part.replace(exp.true())
        yield Defect(kind, where, wrong)


def _nothing_filtered(one: exp.Expr) -> exp.Expr:
    return type(one)(this=exp.true())


def _other_join(join: exp.Join) -> exp.Expr | None:
    if join.kind == "CROSS" or not join.args.get("on") or (not join.side and _filters_what_is_missing(join)):
        return None
    other = join.copy()
    other.set("side", None if join.side else "LEFT")
    return other


def _other_kind(node: exp.Expr) -> exp.Expr:
    return OTHERS[type(node)](**node.copy().args)


def _other_order(ordered: exp.Ordered) -> exp.Expr:
    other = ordered.copy()
    other.set("desc", not ordered.args.get("desc"))
    return other


def _counted_twice(distinct: exp.Distinct) -> exp.Expr | None:
    return distinct.expressions[0].copy() if isinstance(distinct.parent, exp.Count) else None


def _filters_what_is_missing(join: exp.Join) -> bool:
    """Say whether a filter leaves out rows that a join found nothing for, so that an outer join is the same.

    That is so when one of the conditions is about the joined table alone, and not true when all of it is NULL.
    """
    where, name = join.parent_select.args.get("where") if join.parent_select else None, join.alias_or_name
    for condition in (
        where.this.flatten() if where and isinstance(where.this, exp.And) else [where.this] if where else []
    ):
        about = {column.table for column in condition.find_all(exp.Column)}
        if about == {name}:
            missing = condition.transform(lambda node: exp.null() if isinstance(node, exp.Column) else node)
            found = duckdb.sql(f"SELECT COALESCE({missing.sql('duckdb')}, FALSE)").fetchone()
            return found == (False,)
    return False
