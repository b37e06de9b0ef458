"""Transforms in processes of their own: one that dies at a named place, or two at once; and orders for them."""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from lake.pins import Pin
from lake.settings import Settings
from lake.warehouse import PROJECT

PLACES = (
    "transform.begun",
    "transform.model",
    "transform.replaced",
    "transform.deleted",
    "transform.written",
    "transform.promoting",
    "transform.promoted",
    "transform.finished",
)
PROGRAM = """
import sys, orjson
from pathlib import Path
from lake.errors import LockedError
from lake.locks import writing
from lake.settings import Settings

told = orjson.loads(sys.stdin.buffer.read())
settings = Settings(_env_file=None, **told["settings"])
try:
    with writing(settings, "a transform"):
        from lake import failpoints
        from lake.pins import Pin
        from lake.transforms import transform

        pins = {name: Pin.from_json(pin) for name, pin in told["pins"].items()}
        failpoints.arm(told["at"])
        tell = lambda model: failpoints.reached("transform.model")
        transform(settings, pins, tell, Path(told["project"]), anew=told["anew"])
except LockedError as error:
    sys.exit(f"refused: {error}")
"""


def kill_at(
    place: str,
    settings: Settings,
    pins: Mapping[str, Pin],
    *,
    hit: int = 1,
    anew: bool = False,
    project: Path = PROJECT,
) -> bool:
    """Run a transform that is killed the ``hit``-th time it passes a place; say whether it got there."""
    done = _started(settings, pins, f"{place}:{hit}:kill", anew=anew, project=project)
    _, said = done.communicate()
    assert done.returncode in (0, -signal.SIGKILL), said.decode()
    return done.returncode != 0


def race(settings: Settings, pins: Mapping[str, Pin]) -> None:
    """Start two transforms at once: one builds, and the other is told so in a sentence."""
    both = [_started(settings, pins, "") for _ in range(2)]
    said = {one.returncode: heard.decode() for one in both for _, heard in [one.communicate()]}
    assert said.keys() == {0, 1}, said
    assert said[1].startswith("refused: a transform (process "), said


def _started(
    settings: Settings, pins: Mapping[str, Pin], at: str, *, anew: bool = False, project: Path = PROJECT
) -> subprocess.Popen[bytes]:
    keys = {"s3_access_key": settings.s3_access_key, "s3_secret_key": settings.s3_secret_key}
    told = {
        "at": at,
        "anew": anew,
        "project": str(project),
        "pins": {name: pin._asdict() for name, pin in pins.items()},
        "settings": {name: key.get_secret_value() for name, key in keys.items() if key}
        | {"state_dir": str(settings.state_dir), "s3_endpoint": settings.s3_endpoint},
    }
    with tempfile.TemporaryFile() as words:
        words.write(orjson.dumps(told))
        words.seek(0)
        return subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=words, stderr=subprocess.PIPE)


def order(number: int, day: str, amount: str, version: str | None = None) -> tuple[str, str, dict[str, Any]]:
    """Make an order of one piece as the shop's API gives it: its id, its version and its document."""
    at = f"{day}T15:00:00Z"
    money = {"shopMoney": {"amount": amount, "currencyCode": "USD"}}
    payload = {
        "createdAt": at,
        "processedAt": at,
        "updatedAt": version or at,
        "displayFinancialStatus": "PAID",
        "currencyCode": "USD",
        "customer": {"id": "gid://shopify/Customer/5"},
        "subtotalPriceSet": money,
        "totalPriceSet": money,
        "lineItems": {"edges": [{"node": {"id": f"gid://shopify/LineItem/{number}", "quantity": 1}}]},
    }
    return f"gid://shopify/Order/{number}", version or at, payload
