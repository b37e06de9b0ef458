"""The stretch of days that a tag's ``date_range`` names, and the stretch it is compared with."""

import re
from datetime import date, timedelta
from typing import NamedTuple

LAST = re.compile(r"last (\d+) (day|week|month|quarter|year)s?")
BETWEEN = re.compile(r"(\d{4}-\d\d-\d\d) to (\d{4}-\d\d-\d\d)")
OPEN = re.compile(r"(from|until) (\d{4}-\d\d-\d\d)")
TO_DATE = re.compile(r"(?:this )?(week|month|quarter|year)( to date)?")
MONTHS = {"month": 1, "quarter": 3, "year": 12}


class Stretch(NamedTuple):
    """Days from ``start`` up to, but not with, ``end``; None is open."""

    start: date | None
    end: date | None


def read_range(text: str, last_day: date) -> Stretch:
    """Turn ``last 12 months`` or ``1997-01-01 to 1997-12-31`` into days; raise ValueError with a clause.

    What is relative counts back from ``last_day``, the last day in the data, so that a release always gives the
    same page.
    """
    text = text.strip().lower()
    after = last_day + timedelta(days=1)
    if text == "all time":
        return Stretch(None, None)
    if match := LAST.fullmatch(text):
        return Stretch(_back(after, int(match.group(1)), match.group(2)), after)
    if match := BETWEEN.fullmatch(text):
        first, last = (_day(part) for part in match.groups())
        return Stretch(first, last + timedelta(days=1))
    if match := OPEN.fullmatch(text):
        day = _day(match.group(2))
        return Stretch(day, None) if match.group(1) == "from" else Stretch(None, day + timedelta(days=1))
    if (match := TO_DATE.fullmatch(text)) and (match.group(2) or text.startswith("this ")):
        return Stretch(_first_day(last_day, match.group(1)), after)
    raise ValueError(
        f"there is no date range '{text}'; write 'last 12 months', 'year to date' or '2026-01-01 to 2026-01-31'"
    )


def compared(stretch: Stretch, compare_vs: str) -> Stretch:
    """Return the stretch a year earlier, or the one of the same length just before; raise ValueError when open."""
    start, end = stretch
    if start is None or end is None:
        raise ValueError(f"comparing with the '{compare_vs}' needs a date_range that starts and ends")
    if compare_vs == "prior year":
        return Stretch(_back(start, 1, "year"), _back(end, 1, "year"))
    months = (end.year - start.year) * 12 + end.month - start.month
    if start.day == end.day and months:
        return Stretch(_back(start, months, "month"), start)
    return Stretch(start - (end - start), start)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"'{text}' is no day of the calendar") from None


def _back(day: date, count: int, unit: str) -> date:
    if unit in ("day", "week"):
        return day - timedelta(days=count * (7 if unit == "week" else 1))
    month = day.year * 12 + day.month - 1 - count * MONTHS[unit]
    return _clamped(month // 12, month % 12 + 1, day.day)


def _clamped(year: int, month: int, day: int) -> date:
    next_month = date(year + month // 12, month % 12 + 1, 1)
    return min(next_month - timedelta(days=1), date(year, month, 1) + timedelta(days=day - 1))


def _first_day(day: date, unit: str) -> date:
    if unit == "week":
        return day - timedelta(days=day.weekday())
    months = MONTHS[unit]
    return date(day.year, (day.month - 1) // months * months + 1, 1)
