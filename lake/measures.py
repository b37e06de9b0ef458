"""A metric turned into SQL over gold, and asked of it: a gapless series of points."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

import duckdb
import sqlglot
from sqlglot import expressions as sql

from lake.errors import QueryError, UnknownNameError
from lake.metrics import CURRENCY, Measure, Metric
from lake.periods import GRAINS, compared_period, last_day, period_start, year_before
from lake.series import MOST_ROWS, Point, Value, percent_of_change, series

DISTINCT = re.compile(r"count\(\s*distinct\s+(\w+)\s*\)", re.IGNORECASE)


class Asked(NamedTuple):
    """How a metric is asked: the length of a period, the first and last day (both included), what splits it."""

    grain: str | None = None
    start: date | None = None
    end: date | None = None
    dimension: str | None = None


def measure(
    connection: duckdb.DuckDBPyConnection,
    metric: Metric,
    grain: str | None = None,
    start: date | None = None,
    end: date | None = None,
    dimension: str | None = None,
    most: int = MOST_ROWS,
) -> list[Point]:
    """Ask a metric of a connection with views ``gold.<table>``: points in order, without gaps.

    Raises UnknownNameError for a grain or dimension that the metric hasn't, QueryError when there are more than
    ``most`` points, and duckdb.Error.
    """
    asked = Asked(grain, start, end, dimension)
    if metric.kind == "change":
        return _changes(connection, metric, asked, most)
    statement, params = compile_metric(metric, *asked)
    return series(metric, connection.execute(statement, params).fetchall(), grain, start, end, most)


def unit_of(connection: duckdb.DuckDBPyConnection, metric: Metric, dimension: str | None) -> str | None:
    """Find a metric's unit; money's is the currency in the data, or None when each row has its own.

    Raises QueryError when amounts of several currencies would be added up.
    """
    if not metric.adds_money:
        return metric.unit
    tables = dict.fromkeys(part.table for part in metric.measures)
    each = [f"SELECT {CURRENCY} FROM {table} WHERE {CURRENCY} IS NOT NULL" for table in tables]
    rows = connection.execute(f"SELECT DISTINCT {CURRENCY} FROM ({' UNION ALL '.join(each)}) ORDER BY 1").fetchall()
    currencies = [str(row[0]) for row in rows]
    if len(currencies) > 1 and dimension != CURRENCY:
        raise QueryError(
            f"{metric.name} has amounts in {', '.join(currencies)}, which don't add up; ask with dimension={CURRENCY}."
        )
    if not metric.is_money:
        return metric.unit
    return currencies[0] if len(currencies) == 1 else None


def compile_metric(
    metric: Metric,
    grain: str | None = None,
    start: date | None = None,
    end: date | None = None,
    dimension: str | None = None,
) -> tuple[str, dict[str, date]]:
    """Write the SQL that answers a metric over views ``gold.<table>``, and the values to bind to it.

    The days ``start`` and ``end`` are both included. The columns are ``time`` (date, first day of the
    period, null without a grain), ``split`` (text, null without a dimension) and one for each measure. What
    stands at the start of a running total or a balance is in its first period.
    Raises UnknownNameError for a grain or dimension that the metric hasn't.
    """
    if grain is not None and grain not in GRAINS:
        raise UnknownNameError("grain", grain, GRAINS)
    if dimension is not None and dimension not in metric.dimensions:
        raise UnknownNameError("dimension", dimension, metric.dimensions)
    asked = Asked(grain, start, end, dimension)
    running = metric.kind == "cumulative"
    sources = list(dict.fromkeys(part[1:] for part in metric.measures))
    selects = [
        _select([m for m in metric.measures if m[1:] == one], metric.measures, asked, running) for one in sources
    ]
    bound = {"start": start, "end": end}
    said = " ".join(selects)
    params = {name: day for name, day in bound.items() if day is not None and f"${name}" in said}
    if len(selects) == 1:
        return selects[0], params
    columns = ", ".join(f"max(m{number}) AS m{number}" for number in range(len(metric.measures)))
    return f"SELECT time, split, {columns} FROM ({' UNION ALL '.join(selects)}) GROUP BY ALL", params


def _select(own: Sequence[Measure], measures: Sequence[Measure], asked: Asked, running: bool) -> str:
    """Write the SELECT over one table; measures of other tables are NULL in it."""
    one = own[0]
    from_the_start = running or one.closing
    day = f"CAST({one.time} AS DATE)"
    period = _period(day, asked, from_the_start)
    split = f"CAST({asked.dimension} AS TEXT)" if asked.dimension else "CAST(NULL AS TEXT)"
    conditions = [f"{one.time} IS NOT NULL"]
    conditions += [f"({one.filter})"] if one.filter and not one.closing else []
    conditions += [f"{day} >= $start"] if asked.start and not from_the_start else []
    conditions += [f"{day} <= $end"] if asked.end else []
    source, where = one.table, " AND ".join(conditions)
    distinct = _distinct(one.expression) if running else None
    if distinct is not None:  # A thing counts in the period in which it was first seen.
        seen = f"SELECT {split} AS split, {distinct} AS thing, {day} AS day FROM {source} WHERE {where} GROUP BY ALL"
        first = "thing IS NOT NULL AND day = min(day) OVER (PARTITION BY split, thing)"
        period = _period("day", asked, from_the_start)
        return (
            f"SELECT {period} AS time, split, count(*) FILTER (is_first) AS m0 "
            f"FROM (SELECT *, {first} AS is_first FROM ({seen})) GROUP BY ALL"
        )
    if one.closing:
        last = f"{day} = max({day}) OVER (PARTITION BY {period})"
        source, where = f"(SELECT * FROM {source} WHERE {where} QUALIFY {last})", "TRUE"
    columns = [f"{period} AS time", f"{split} AS split"]
    columns += [f"{_aggregate(part) if part in own else 'NULL'} AS m{number}" for number, part in enumerate(measures)]
    return f"SELECT {', '.join(columns)} FROM {source} WHERE {where} GROUP BY ALL"


def _aggregate(part: Measure) -> str:
    """Write a measure's aggregate; a balance's filter is in it, for a last day on which nothing passes makes it 0."""
    if not (part.closing and part.filter):
        return part.expression
    tree, condition = (sqlglot.parse_one(text, dialect="duckdb") for text in (part.expression, part.filter))

    def filtered(node: sql.Expr) -> sql.Expr:
        return sql.Filter(this=node, expression=sql.Where(this=condition)) if isinstance(node, sql.AggFunc) else node

    return str(tree.transform(filtered).sql("duckdb"))


def _period(day: str, asked: Asked, from_the_start: bool) -> str:
    if asked.grain is None:
        return "CAST(NULL AS DATE)"
    first = f"greatest({day}, $start)" if from_the_start and asked.start else day
    return f"CAST(date_trunc('{asked.grain}', {first}) AS DATE)"


def _distinct(expression: str) -> str | None:
    """Give what an aggregate counts the different ones of; None when it counts or adds up rows."""
    found = DISTINCT.fullmatch(expression)
    return found[1] if found else None


def _changes(connection: duckdb.DuckDBPyConnection, metric: Metric, asked: Asked, most: int) -> list[Point]:
    """Compare each whole period with the one before, or with the same one a year before, in percent."""
    assert metric.of is not None
    if asked.grain is None:
        return _change_of_range(connection, metric, asked)
    grain, since = asked.grain, metric.since
    start = period_start(asked.start, grain) if asked.start else None
    end = last_day(period_start(asked.end, grain), grain) if asked.end else None
    from_day = compared_period(start, grain, since) if start else None
    points = measure(connection, metric.of, grain, from_day, end, asked.dimension, most)
    values = {(point.time, point.split): point.value for point in points}
    return [
        Point(
            point.time,
            point.split,
            percent_of_change(values.get((compared_period(point.time, grain, since), point.split)), point.value),
        )
        for point in points
        if point.time is not None and (start is None or point.time >= start)
    ]


def _change_of_range(connection: duckdb.DuckDBPyConnection, metric: Metric, asked: Asked) -> list[Point]:
    """Compare the days asked for with as many days before, or with the same days a year before."""
    assert metric.of is not None
    now = measure(connection, metric.of, None, asked.start, asked.end, asked.dimension)
    values: dict[str | None, Value] = {}
    if asked.start and asked.end:
        if metric.since == "previous_year":
            start, end = year_before(asked.start, "day"), year_before(asked.end, "day")
        else:
            end = asked.start - timedelta(days=1)
            start = end - (asked.end - asked.start)
        values = {
            point.split: point.value for point in measure(connection, metric.of, None, start, end, asked.dimension)
        }
    return [Point(None, point.split, percent_of_change(values.get(point.split), point.value)) for point in now]
