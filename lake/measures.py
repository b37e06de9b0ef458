"""A metric turned into one SQL question over gold, and its rows turned into a gapless series."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from lake.errors import UnknownNameError
from lake.metrics import Measure, Metric
from lake.periods import GRAINS, periods

MOST_ROWS = 20_000
CENT = Decimal("0.01")

Value = int | Decimal | None


class Point(NamedTuple):
    """One value: of a period (None: of all time asked for) and of a dimension's value ``split``."""

    time: date | None
    split: str | None
    value: Value


def compile_metric(
    metric: Metric,
    grain: str | None = None,
    start: date | None = None,
    end: date | None = None,
    dimension: str | None = None,
) -> tuple[str, dict[str, date]]:
    """Write the SQL that answers a metric over views ``gold.<table>``, and the values to bind to it.

    The days ``start`` and ``end`` are both included. The columns are ``time`` (date, first day of the
    period, null without a grain), ``split`` (text, null without a dimension) and one for each measure.
    Raises UnknownNameError for a grain or dimension that the metric hasn't.
    """
    if grain is not None and grain not in GRAINS:
        raise UnknownNameError("grain", grain, GRAINS)
    if dimension is not None and dimension not in metric.dimensions:
        raise UnknownNameError("dimension", dimension, metric.dimensions)
    sources = list(dict.fromkeys(measure[1:] for measure in metric.measures))
    selects = [_select(metric.measures, source, grain, start, end, dimension) for source in sources]
    bound = {"start": start, "end": end}
    params = {name: day for name, day in bound.items() if day is not None}
    if len(selects) == 1:
        return selects[0], params
    columns = ", ".join(f"max(m{number}) AS m{number}" for number in range(len(metric.measures)))
    return f"SELECT time, split, {columns} FROM ({' UNION ALL '.join(selects)}) GROUP BY ALL", params


def _select(
    measures: Sequence[Measure],
    source: tuple[str, ...],
    grain: str | None,
    start: date | None,
    end: date | None,
    dimension: str | None,
) -> str:
    table, time, condition = source
    day = f"CAST({time} AS DATE)"
    period = f"CAST(date_trunc('{grain}', {day}) AS DATE)" if grain else "CAST(NULL AS DATE)"
    split = f"CAST({dimension} AS TEXT)" if dimension else "CAST(NULL AS TEXT)"
    columns = [f"{period} AS time", f"{split} AS split"]
    for number, measure in enumerate(measures):
        columns.append(f"{measure.expression if measure[1:] == source else 'NULL'} AS m{number}")
    conditions = [f"{time} IS NOT NULL"]
    conditions += [f"({condition})"] if condition else []
    conditions += [f"{day} >= $start"] if start else []
    conditions += [f"{day} <= $end"] if end else []
    return f"SELECT {', '.join(columns)} FROM {table} WHERE {' AND '.join(conditions)} GROUP BY ALL"


def series(
    metric: Metric,
    rows: Iterable[tuple[Any, ...]],
    grain: str | None = None,
    start: date | None = None,
    end: date | None = None,
) -> list[Point]:
    """Turn the rows of ``compile_metric``'s SQL into points in order, without gaps.

    A period without rows is 0, or None for a ratio; where ``start`` or ``end`` is None the series starts
    or ends with the data. Raises QueryError when that makes too many rows.
    """
    found = {(row[0], row[1]): _value(metric, row[2:]) for row in rows}
    times = _times(found, grain, start, end)
    splits = sorted({split for _, split in found}, key=lambda split: (split is None, split)) or [None]
    empty = _value(metric, (None,) * len(metric.measures))
    return [Point(time, split, found.get((time, split), empty)) for time in times for split in splits]


def _times(
    found: dict[tuple[date | None, str | None], Value],
    grain: str | None,
    start: date | None,
    end: date | None,
) -> Sequence[date | None]:
    if grain is None:
        return [None]
    known = [time for time, _ in found if time is not None]
    first, last = start or min(known, default=None), end or max(known, default=None)
    if first is None or last is None:
        return []
    splits = len({split for _, split in found}) or 1
    return periods(first, last, grain, max(1, MOST_ROWS // splits))


def _value(metric: Metric, measured: Sequence[Any]) -> Value:
    if metric.is_ratio:
        over, under = measured
        if over is None or not under:
            return None
        return (Decimal(str(over)) / Decimal(str(under))).quantize(CENT, ROUND_HALF_UP)
    value = measured[0] or 0
    if metric.is_money or not isinstance(value, int):
        return Decimal(str(value)).quantize(CENT, ROUND_HALF_UP)
    return int(value)
