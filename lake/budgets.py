"""Diff budgets: how far a metric's closed days may move from one release to the next without a reason."""

import sys
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

import duckdb

from lake.audits import SAMPLED, AuditResult
from lake.gold import open_gold
from lake.measures import measure
from lake.metrics import Metric
from lake.releases import Release
from lake.settings import Settings

Days = dict[tuple[str, date], Decimal]
"""A metric by currency ('' where it has none) and day."""
CURRENCY = "currency"
OPEN_DAYS = 1
"""Days before the day of the release before that may still move: its own day, and one for the shop's time zone."""


def check_budgets(
    settings: Settings, before: Release, after: Release, metrics: Mapping[str, Metric]
) -> list[AuditResult]:
    """Compare each metric that has a budget between two releases, over the days that were closed in the first.

    What moved is the sum of what each day moved, as a share of all those days; of several currencies the one that
    moved most counts. A metric that the first release couldn't answer has nothing to compare. Raises ServiceError.
    """
    budgeted = [metric for metric in metrics.values() if metric.budget is not None]
    if not budgeted:
        return []
    last = before.cut_at.date() - timedelta(days=OPEN_DAYS + 1)
    with open_gold(settings, before) as old, open_gold(settings, after) as new:
        return [judge(metric, days_of(old, metric, last), days_of(new, metric, last)) for metric in budgeted]


def judge(metric: Metric, old: Days, new: Days) -> AuditResult:
    """Hold what a metric's days were against what they are."""
    assert metric.budget is not None
    budget = Decimal(str(metric.budget))
    moves: defaultdict[str, Decimal] = defaultdict(Decimal)
    totals: defaultdict[str, Decimal] = defaultdict(Decimal)
    for currency, day in old.keys() | new.keys():
        moves[currency] += abs(new.get((currency, day), Decimal(0)) - old.get((currency, day), Decimal(0)))
        totals[currency] += abs(old.get((currency, day), Decimal(0)))
    over = {currency for currency in moves if moves[currency] > budget * totals[currency]} if old else set()
    moved = sorted(
        key
        for key in old.keys() | new.keys()
        if key[0] in over and old.get(key, Decimal(0)) != new.get(key, Decimal(0))
    )
    return AuditResult(
        model=metric.measures[0].table,
        audit=f"{metric.name} of closed days moves at most {budget * 100:f} %",
        rows=len(old),
        offenders=len(moved),
        blocking=True,
        passed=not over,
        kind="budget",
        sample="; ".join(_move(key, old, new) for key in moved[:SAMPLED]),
    )


def days_of(connection: duckdb.DuckDBPyConnection, metric: Metric, last: date) -> Days:
    """Ask a metric for every day up to the ``last``, however many; none where gold can't answer it."""
    split = CURRENCY if metric.is_money and CURRENCY in metric.dimensions else None
    try:
        points = measure(connection, metric, "day", None, last, split, most=sys.maxsize)
    except (duckdb.CatalogException, duckdb.BinderException):
        return {}
    return {
        (point.split or "", point.time): Decimal(str(point.value))
        for point in points
        if point.time is not None and point.value
    }


def _move(key: tuple[str, date], old: Days, new: Days) -> str:
    currency, day = key
    amounts = f"{old.get(key, Decimal(0))} -> {new.get(key, Decimal(0))}"
    return f"{day}: {amounts} {currency}".rstrip()
