"""A request as the two vendors' halves see it, and what they answer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson


class Request(NamedTuple):
    """One HTTP request; header names are in small letters."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class Answer(NamedTuple):
    """One HTTP answer: a body, or a file to stream."""

    status: int
    body: bytes
    headers: dict[str, str]
    file: Path | None = None


def json_answer(status: int, content: Any, headers: dict[str, str] | None = None) -> Answer:
    """Make an answer of something that becomes JSON."""
    kind = {"content-type": "application/json; charset=utf-8"}
    return Answer(status, orjson.dumps(content), kind | (headers or {}))
