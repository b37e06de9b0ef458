"""Asks the running sandbox shop to sell, and watches it."""

import re
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx

from lake.errors import ServiceError, SettingError

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|m|h)?")
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:/\s*(s|min|m|h))?")
_ASK = 0.2


class Sold(NamedTuple):
    """What a turn of selling came to; ``failed`` webhooks were refused to the last try.

    ``answered_in`` has the milliseconds to an answer, as ``p50`` and ``p99``.
    """

    orders: int
    webhooks: int
    failed: int
    answered_in: dict[str, float]

    @property
    def remark(self) -> str:
        """Say what became of the webhooks."""
        times = ", ".join(f"{name} {milliseconds:.0f} ms" for name, milliseconds in self.answered_in.items())
        answered = f", answered in {times}" if times else ""
        return f"{self.webhooks} webhooks delivered, {self.failed} refused{answered}"


def parse_rate(text: str) -> float:
    """Read a rate such as ``20/s``, ``90/min`` or ``20`` into orders a second.

    Raises SettingError.
    """
    found = _RATE.fullmatch(text.strip())
    if not found or float(found[1]) == 0:
        raise SettingError(f"'{text}' is no rate; write one such as 20/s or 90/min.")
    return float(found[1]) / _SECONDS[found[2] or "s"]


def parse_duration(text: str) -> float:
    """Read a duration such as ``60s``, ``5m``, ``1h`` or ``60`` into seconds.

    Raises SettingError.
    """
    found = _DURATION.fullmatch(text.strip())
    if not found or float(found[1]) == 0:
        raise SettingError(f"'{text}' is no duration; write one such as 60s or 5m.")
    return float(found[1]) * _SECONDS[found[2] or "s"]


def sell(
    url: str,
    rate: float,
    seconds: float,
    webhooks: str | None = None,
    progress: Callable[[str], None] = lambda _: None,
    *,
    postgres_dsn: str | None = None,
) -> Sold:
    """Let the sandbox at ``url`` sell ``rate`` orders a second for ``seconds``, and wait until all webhooks are told.

    ``webhooks`` is the address of the server that takes them. An interruption ends the turn. Raises ServiceError.
    """
    wanted = {"rate": rate, "seconds": seconds, "webhook_url": webhooks, "postgres_dsn": postgres_dsn}
    with httpx.Client(base_url=url, timeout=60) as http:
        _ask(http, "POST", wanted)
        try:
            return _watch(http, progress)
        except BaseException:
            _give_up(http)
            raise


def _watch(http: httpx.Client, progress: Callable[[str], None]) -> Sold:
    while True:
        said = _ask(http, "GET")
        progress(f"{said['orders']} of {said['wanted']} orders · {said['webhooks']} webhooks delivered")
        if said["state"] == "failed":
            raise ServiceError(said["error"])
        if said["state"] in ("done", "stopped"):
            return Sold(said["orders"], said["webhooks"], said["refused"], said["answered_in"])
        time.sleep(_ASK)


def _ask(http: httpx.Client, method: str, content: dict[str, Any] | None = None) -> dict[str, Any]:
    try:
        answer = http.request(method, "/sandbox/sell", json=content)
        said: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError):
        raise ServiceError(f"The sandbox shop at {http.base_url} doesn't answer; start it with `just up`.") from None
    if answer.is_error:
        raise ServiceError(f"The sandbox shop doesn't sell: {said.get('error', answer.status_code)}")
    return said


def _give_up(http: httpx.Client) -> None:
    try:
        http.delete("/sandbox/sell")
    except httpx.HTTPError:
        return
