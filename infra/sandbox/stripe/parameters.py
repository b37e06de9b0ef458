"""A list request's parameters, read and judged as Stripe does."""

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import parse_qsl

from infra.sandbox.stripe.failures import InvalidRequestError

_INDEX = re.compile(r"\[\d*\]$")


class Bounds(NamedTuple):
    """A page's size, where it starts or ends, and the times between which objects were made (both inclusive)."""

    limit: int
    starting_after: str | None
    ending_before: str | None
    earliest: int | None
    latest: int | None
    filters: dict[str, str]
    expanded: tuple[str, ...] = ()


def bounds(query: str, filters: Sequence[str], expandable: Sequence[str] = ()) -> Bounds:
    """Read a query string; ``filters`` are the parameters that this list takes besides, ``expandable`` what it expands.

    Raises InvalidRequestError for a parameter that is unknown, or isn't what it must be.
    """
    given: dict[str, str] = {}
    earliest: list[int] = []
    latest: list[int] = []
    for raw, value in parse_qsl(query, keep_blank_values=True):
        name = _INDEX.sub("[]", raw)
        if name in _CREATED:
            at_least, shift = _CREATED[name]
            moment = _integer(raw, value) + shift
            earliest += [moment] if at_least in (True, None) else []
            latest += [moment] if at_least in (False, None) else []
        elif name in ("limit", "starting_after", "ending_before", "expand[]", *filters):
            given[name] = f"{given[name]},{value}" if name in ("types[]", "expand[]") and name in given else value
        else:
            raise InvalidRequestError(f"Received unknown parameter: {raw}", raw, "parameter_unknown")
    if "starting_after" in given and "ending_before" in given:
        raise InvalidRequestError("You cannot parameterize both starting_after and ending_before.", "ending_before")
    return Bounds(
        _limit(given.get("limit", "10")),
        given.get("starting_after"),
        given.get("ending_before"),
        max(earliest, default=None),
        min(latest, default=None),
        {name: given[name] for name in filters if name in given},
        _expanded(given.get("expand[]", ""), expandable),
    )


def expansions(query: str, expandable: Sequence[str]) -> tuple[str, ...]:
    """Read what a request for one object expands.

    Raises InvalidRequestError for what can't be.
    """
    asked = [value for name, value in parse_qsl(query) if _INDEX.sub("[]", name) == "expand[]"]
    return _expanded(",".join(asked), expandable)


def _expanded(asked: str, expandable: Sequence[str]) -> tuple[str, ...]:
    names = tuple(name.removeprefix("data.") for name in asked.split(",") if name)
    for name in names:
        if name not in expandable:
            raise InvalidRequestError(f"This property cannot be expanded ({name}).", "expand")
    return names


_CREATED: dict[str, tuple[bool | None, int]] = {
    "created": (None, 0),
    "created[gte]": (True, 0),
    "created[gt]": (True, 1),
    "created[lte]": (False, 0),
    "created[lt]": (False, -1),
}


def _limit(value: str) -> int:
    limit = _integer("limit", value)
    if not 1 <= limit <= 100:
        side, bound = ("less", 100) if limit > 100 else ("greater", 1)
        text = f"This value must be {side} than or equal to {bound} (it currently is '{limit}')."
        raise InvalidRequestError(text, "limit", "parameter_invalid_integer")
    return limit


def _integer(name: str, value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise InvalidRequestError(f"Invalid integer: {value}", name, "parameter_invalid_integer") from None
