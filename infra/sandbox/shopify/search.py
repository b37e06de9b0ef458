"""Shopify's search syntax, as in ``query: "updated_at:>='1997-05-01T00:00:00Z' AND id:>5"``."""

import re
from datetime import datetime
from typing import NamedTuple

from infra.sandbox.history import ZONE

_TERM = re.compile(r"""(\w+):\s*(<=|>=|<|>|)\s*('[^']*'|"[^"]*"|\S+)""")


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
