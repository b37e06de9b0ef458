"""Shopify's search syntax, as in ``query: "updated_at:>='1997-05-01T00:00:00Z' AND id:>5"``."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from infra.sandbox.history import ZONE
from infra.sandbox.identifiers import legacy_id
from infra.sandbox.noise import Ints

_TERM = re.compile(r"""(\w+):\s*(<=|>=|<|>|)\s*('[^']*'|"[^"]*"|\S+)""")

COMPARE: dict[str, Callable[[Ints, int], Any]] = {
    "=": np.equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}
"""What each operator does with an array and a value."""


class Term(NamedTuple):
    """One condition: a field, an operator (``=``, ``<``, ``<=``, ``>``, ``>=``) and a value."""

    field: str
    operator: str
    value: str


def terms(query: str | None) -> list[Term]:
    """Read a search into its conditions, all of which must hold."""
    found = _TERM.findall(query or "")
    return [Term(field, operator or "=", value.strip("'\"")) for field, operator, value in found]


def second(value: str) -> int | None:
    """Read a date or time into seconds since 1970 UTC; without a zone it is the shop's. Nothing if it is neither."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=ZONE)).timestamp())


def whole(value: str) -> int | None:
    """Read a number, also out of a global id's end. Nothing if it is none."""
    digits = value.rpartition("/")[2]
    return int(digits) if digits.isdigit() else None


def by_id(term: Term, kind: str, numbers: Ints) -> Ints:
    """Keep the numbers whose id meets the condition."""
    identifier = whole(term.value)
    if identifier is None:
        return numbers
    kept: Ints = numbers[COMPARE[term.operator](numbers + legacy_id(kind, 0), identifier)]
    return kept


def searched(values: Sequence[Any], arguments: dict[str, Any]) -> Sequence[Any]:
    """Keep what of a short list of documents meets its ``query``'s times; conditions on other fields are ignored."""
    for term in terms(arguments.get("query")):
        field = {"created_at": "createdAt", "updated_at": "updatedAt"}.get(term.field)
        wanted = second(term.value)
        if field and wanted is not None:
            known = [value for value in values if isinstance(value, dict)]
            times = np.array([second(value[field]) for value in known], np.int64)
            kept = COMPARE[term.operator](times, wanted).tolist()
            values = [value for value, meets in zip(known, kept, strict=True) if meets]
    return values
