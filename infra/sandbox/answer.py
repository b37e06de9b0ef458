"""A request as the two vendors' halves see it, and what they answer."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

import orjson


class Request(NamedTuple):
    """One HTTP request; header names are in small letters."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class Ending(NamedTuple):
    """How a body ends: slowly (in ``seconds``), or with the connection cut or reset after the share ``keep`` of it."""

    how: Literal["slow", "cut", "reset"]
    keep: float
    seconds: float = 0.0


class Answer(NamedTuple):
    """One HTTP answer: a body, a file to stream, or pieces that are made while they are sent."""

    status: int
    body: bytes
    headers: dict[str, str]
    file: Path | None = None
    pieces: Iterator[bytes] | None = None
    ending: Ending | None = None


def json_answer(status: int, content: Any, headers: dict[str, str] | None = None) -> Answer:
    """Make an answer of something that becomes JSON."""
    kind = {"content-type": "application/json; charset=utf-8"}
    return Answer(status, orjson.dumps(content), kind | (headers or {}))


def ranged(answer: Answer, wanted: str) -> Answer:
    """Give the rest of an answer from the byte on that a Range header (``bytes=<n>-``) names, as stores of files do."""
    start = wanted.removeprefix("bytes=").removesuffix("-")
    if answer.status != 200 or answer.pieces or not start.isdigit() or "jsonl" not in answer.headers["content-type"]:
        return answer
    whole = answer.file.read_bytes() if answer.file else answer.body
    if int(start) >= len(whole):
        return Answer(416, b"", {"content-range": f"bytes */{len(whole)}"})
    span = {"content-range": f"bytes {start}-{len(whole) - 1}/{len(whole)}"}
    return answer._replace(status=206, body=whole[int(start) :], file=None, headers=answer.headers | span)
