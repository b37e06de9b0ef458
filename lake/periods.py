"""Periods of the calendar: what a day belongs to at each grain, and which periods a range holds."""

from datetime import date, timedelta

from lake.errors import QueryError

GRAINS = ("day", "week", "month", "quarter", "year")
FIRST_DAY = date(1900, 1, 1)
LAST_DAY = date(2199, 12, 31)


def period_start(day: date, grain: str) -> date:
    """Give the first day of the period that ``day`` is in; a week starts on Monday (ISO 8601)."""
    if grain == "day":
        return day
    if grain == "week":
        return day - timedelta(days=day.weekday())
    if grain == "month":
        return day.replace(day=1)
    if grain == "quarter":
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return day.replace(month=1, day=1)


def next_period(start: date, grain: str) -> date:
    """Give the first day of the period after the one that starts on ``start``."""
    days = {"day": 1, "week": 7, "month": 31, "quarter": 92, "year": 366}[grain]
    return period_start(start + timedelta(days=days), grain)


def last_day(start: date, grain: str) -> date:
    """Give the last day of the period that starts on ``start``."""
    return next_period(start, grain) - timedelta(days=1)


def period_before(start: date, grain: str) -> date:
    """Give the first day of the period before the one that starts on ``start``."""
    return period_start(start - timedelta(days=1), grain)


def year_before(start: date, grain: str) -> date:
    """Give the first day of the same period a year before; a week's is 52 weeks before, 29 February's the 28th."""
    if grain == "week":
        return start - timedelta(weeks=52)
    if (start.month, start.day) == (2, 29):
        return start.replace(year=start.year - 1, day=28)
    return start.replace(year=start.year - 1)


def compared_period(start: date, grain: str, since: str) -> date:
    """Give the first day of the period that one is compared with, ``previous_year`` or ``previous_period``."""
    return year_before(start, grain) if since == "previous_year" else period_before(start, grain)


def periods(first: date, last: date, grain: str, most: int) -> list[date]:
    """List the first days of the periods that hold the days ``first`` to ``last``, both included.

    Raises QueryError when there are more than ``most``.
    """
    starts: list[date] = []
    start = period_start(first, grain)
    while start <= last:
        if len(starts) == most:
            raise QueryError(f"{first} to {last} by {grain} makes too many rows; ask for fewer or longer periods.")
        starts.append(start)
        start = next_period(start, grain)
    return starts
