"""Parameters of a metric's address: strict, each at most once, and known."""

import re
from datetime import date
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from lake.errors import QueryError, UnknownNameError
from lake.metrics import Metric
from lake.periods import FIRST_DAY, GRAINS, LAST_DAY

NAMES = ("grain", "from", "to", "dimension")
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Parameters(NamedTuple):
    """What is asked of a metric; the days are both included."""

    grain: str | None = None
    start: date | None = None
    end: date | None = None
    dimension: str | None = None

    def canonical(self) -> str:
        """Write the parameters in one way, whatever way they were asked in."""
        given = zip(NAMES, self, strict=True)
        return urlencode([(name, str(value)) for name, value in given if value is not None])


def read_parameters(query: bytes, metric: Metric) -> Parameters:
    """Read ``grain``, ``from``, ``to`` and ``dimension`` from an address's query.

    An empty value is the same as none. Raises UnknownNameError and QueryError for what isn't right.
    """
    given = _pairs(query)
    grain, dimension = given.get("grain"), given.get("dimension")
    if grain is not None and grain not in GRAINS:
        raise UnknownNameError("grain", grain, GRAINS)
    if dimension is not None and dimension not in metric.dimensions:
        raise UnknownNameError("dimension", dimension, metric.dimensions)
    start, end = _day(given, "from"), _day(given, "to")
    if start and end and start > end:
        raise QueryError(f"from ({start}) is after to ({end}); both days are included in what you get.")
    return Parameters(grain, start, end, dimension)


def _pairs(query: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=16)
    except ValueError:
        raise QueryError("The address can't be read; its parameters are percent-encoded UTF-8.") from None
    given: dict[str, str] = {}
    for name, value in pairs:
        if not (name + value).isprintable():
            raise QueryError("A parameter can't hold control characters.")
        if name not in NAMES:
            raise UnknownNameError("parameter", name, NAMES)
        if name in given:
            raise QueryError(f"The parameter '{name}' is given more than once; give it once.")
        given[name] = value
    return {name: value for name, value in given.items() if value}


def _day(given: dict[str, str], name: str) -> date | None:
    text = given.get(name)
    if text is None:
        return None
    try:
        day = date.fromisoformat(text) if DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or not FIRST_DAY <= day <= LAST_DAY:
        raise QueryError(f"{name} is '{text}'; it takes a day from {FIRST_DAY} to {LAST_DAY} as YYYY-MM-DD.")
    return day
