"""What every vendor's HTTP API needs: retries with jitter, and one sentence when it never answers."""

from collections.abc import Callable
from random import uniform
from typing import Any

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential_jitter

from lake.errors import SourceError
from lake.failpoints import reached

ATTEMPTS = 8
RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


class RetryableError(SourceError):
    """The vendor asked to come back later; ``after`` is the number of seconds it named, if it did."""

    def __init__(self, message: str, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.after if isinstance(error, RetryableError) else None
    if asked is None:
        return wait_exponential_jitter(multiplier=0.5, max=20)(state)
    # Whoever was turned away at once would come back at once.
    return asked * uniform(1.0, 1.25)  # noqa: S311


def _passes(error: BaseException) -> bool:
    if isinstance(error, httpx.UnsupportedProtocol):
        return False
    return isinstance(error, (RetryableError, httpx.TransportError))


def _at_end(state: RetryCallState) -> bool:
    return state.attempt_number >= ATTEMPTS


_retrying = Retrying(stop=_at_end, wait=_wait, retry=retry_if_exception(_passes), reraise=True)


def persistently(vendor: str, call: Callable[[], Any]) -> Any:
    """Call until it succeeds, at most ATTEMPTS times, for whatever passes by itself.

    Raises SourceError with one sentence when the vendor never answers.
    """
    try:
        answer = _retrying(call)
    except httpx.TransportError as error:
        address = error.request.url.copy_with(query=None) if error._request else vendor
        raise SourceError(
            f"{vendor} can't be reached at {address} ({type(error).__name__}); check the address and the network."
        ) from error
    reached("ingest.answered")
    return answer


def raise_if_passing(vendor: str, response: httpx.Response) -> None:
    """Raise RetryableError for a status that passes by itself: 429, 5xx and their like."""
    if response.status_code in RETRIED:
        after = response.headers.get("Retry-After")
        raise RetryableError(
            f"{vendor} answered {response.status_code} {response.reason_phrase} again and again; try later.",
            float(after) if after and after.replace(".", "", 1).isdigit() else None,
        )
