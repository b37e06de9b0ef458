"""What went wrong, as RFC 9457 problem documents; the one place where an error becomes HTTP."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from msgspec import UNSET, UnsetType

from lake.errors import BoathouseError, LockedError, QueryError, ReleaseError, ServiceError, UnknownNameError

NOTHING_HERE = "There is nothing at this address; /schema lists what there is."
MEDIA_TYPE = "application/problem+json"
STATUSES: tuple[tuple[type[BoathouseError], int], ...] = (
    (QueryError, 400),
    (ReleaseError, 503),
    (LockedError, 503),
    (ServiceError, 503),
)

log = structlog.get_logger("server")


class Problem(msgspec.Struct):
    """An RFC 9457 problem; ``known`` lists the names that exist where a name doesn't."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    known: list[str] | UnsetType = UNSET


def problem_of(error: Exception, instance: str) -> Problem:
    """Describe an error without anything internal in it."""
    if isinstance(error, UnknownNameError):
        status = 404 if error.kind == "metric" else 400
        return _problem(status, str(error), instance, error.known)
    for kind, status in STATUSES:
        if isinstance(error, kind):
            return _problem(status, str(error), instance)
    if isinstance(error, HTTPException) and error.status_code < 500:
        detail = NOTHING_HERE if error.detail == "Not Found" else f"{error.detail.removesuffix('.')}."
        return _problem(error.status_code, detail, instance)
    return _problem(500, "Something failed here that is not your fault; the log of the server says what.", instance)


def _problem(status: int, detail: str, instance: str, known: list[str] | UnsetType = UNSET) -> Problem:
    return Problem("about:blank", HTTPStatus(status).phrase, status, detail, quote(instance), known)


def answer_problem(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer an exception as a problem document; an unexpected one is logged with its traceback."""
    problem = problem_of(error, request.url.path)
    if problem.status == 500:
        log.error("request failed", path=request.url.path, exc_info=error)
    body = msgspec.json.encode(problem)
    headers = dict(getattr(error, "headers", None) or {}) | {"cache-control": "no-store"}
    if problem.status == 503:
        headers["retry-after"] = "1"
    return Response(body, status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)
