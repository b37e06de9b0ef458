"""Tells a running sandbox shop to misbehave, and asks what its faults did."""

from pathlib import Path
from typing import Any, NamedTuple

import httpx

from infra.sandbox.chaos.script import load_script
from lake.errors import ServiceError

_TIMEOUT = 10


class Struck(NamedTuple):
    """One fault: how many requests it met, and how many of them it struck."""

    name: str
    met: int
    struck: int


def begin(url: str, script: Path) -> list[Struck]:
    """Play the script of a file in the sandbox at ``url``. Raises SettingError or ServiceError."""
    load_script(script)
    return _ask("POST", url, script.read_bytes())


def look(url: str) -> list[Struck]:
    """Ask what the faults did so far. Raises ServiceError."""
    return _ask("GET", url)


def finish(url: str) -> list[Struck]:
    """End the chaos, and say what it did. Raises ServiceError."""
    return _ask("DELETE", url)


def _ask(method: str, url: str, body: bytes | None = None) -> list[Struck]:
    try:
        answer = httpx.request(method, f"{url}/chaos", content=body, timeout=_TIMEOUT).raise_for_status()
    except httpx.HTTPError as error:
        raise ServiceError(f"The sandbox shop at {url} doesn't take a chaos script: {error}.") from None
    told: dict[str, Any] = answer.json()
    return [Struck(fault["fault"], fault["met"], fault["struck"]) for fault in told["faults"]]
