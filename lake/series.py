"""The rows of a metric turned into a series: points in order, without gaps, in the metric's unit."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

from lake.metrics import Metric
from lake.periods import periods

MOST_ROWS = 20_000
CENT = Decimal("0.01")

Value = int | Decimal | None
Key = tuple[date | None, str | None]


class Point(NamedTuple):
    """One value: of a period (None: of all time asked for) and of a dimension's value ``split``."""

    time: date | None
    split: str | None
    value: Value


def series(
    metric: Metric,
    rows: Iterable[tuple[Any, ...]],
    grain: str | None = None,
    start: date | None = None,
    end: date | None = None,
    most: int = MOST_ROWS,
) -> list[Point]:
    """Turn the rows of ``compile_metric``'s SQL into points in order, without gaps.

    A period without rows is 0, None for a ratio, and what stood before for a running total or a balance; where
    ``start`` or ``end`` is None the series starts or ends with the data. Raises QueryError when that makes more than
    ``most`` points.
    """
    found = {(row[0], row[1]): _value(metric, row[2:]) for row in rows}
    times = _times(found, grain, start, end, most)
    splits = sorted({split for _, split in found}, key=lambda split: (split is None, split)) or [None]
    empty = _value(metric, (None,) * len(metric.measures))
    if grain is not None and metric.kind == "cumulative":
        found = _totals(found, times, splits, empty)
    if grain is not None and metric.kind == "closing":
        found = _carried(found, times, splits, empty)
    return [Point(time, split, found.get((time, split), empty)) for time in times for split in splits]


def percent_of_change(before: Value, now: Value) -> Decimal | None:
    """Give by how many percent ``now`` differs from ``before``; None when there was nothing, or isn't any."""
    if not before or now is None:
        return None
    return (100 * (Decimal(now) - Decimal(before)) / abs(Decimal(before))).quantize(CENT, ROUND_HALF_UP)


def _totals(
    found: dict[Key, Value], times: Sequence[date | None], splits: Sequence[str | None], empty: Value
) -> dict[Key, Value]:
    """Add each period to all those before."""
    totals: dict[Key, Value] = {}
    for split in splits:
        total = empty or 0
        for time in times:
            total += found.get((time, split)) or 0
            totals[time, split] = total
    return totals


def _carried(
    found: dict[Key, Value], times: Sequence[date | None], splits: Sequence[str | None], empty: Value
) -> dict[Key, Value]:
    """Let a period without any rows stand as the one before did."""
    there = {time for time, _ in found}
    carried: dict[Key, Value] = {}
    before: dict[str | None, Value] = dict.fromkeys(splits, empty)
    for time in times:
        if time in there:
            before = {split: found.get((time, split), empty) for split in splits}
        carried |= {(time, split): value for split, value in before.items()}
    return carried


def _times(
    found: dict[Key, Value],
    grain: str | None,
    start: date | None,
    end: date | None,
    most: int,
) -> Sequence[date | None]:
    if grain is None:
        return [None]
    known = [time for time, _ in found if time is not None]
    first, last = start or min(known, default=None), end or max(known, default=None)
    if first is None or last is None:
        return []
    splits = len({split for _, split in found}) or 1
    return periods(first, last, grain, max(1, most // splits))


def _value(metric: Metric, measured: Sequence[Any]) -> Value:
    if metric.is_ratio:
        over, under = measured
        if not under:
            return None
        scale = 100 if metric.is_percent else 1
        return (scale * Decimal(str(over or 0)) / Decimal(str(under))).quantize(CENT, ROUND_HALF_UP)
    value = measured[0] or 0
    if metric.is_money or not isinstance(value, int):
        return Decimal(str(value)).quantize(CENT, ROUND_HALF_UP)
    return int(value)
