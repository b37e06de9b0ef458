"""A transform in a process of its own that dies at a named place, and a small bronze that changes between deaths."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import orjson

from lake.pins import Pin
from lake.settings import Settings

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
from lake import failpoints
from lake.pins import Pin
from lake.settings import Settings
from lake.transforms import transform

told = orjson.loads(sys.stdin.buffer.read())
settings = Settings(_env_file=None, **told["settings"])
pins = {name: Pin.from_json(pin) for name, pin in told["pins"].items()}
failpoints.arm(told["at"])
transform(settings, pins, lambda model: failpoints.reached("transform.model"), anew=told["anew"])
"""


def kill_at(place: str, settings: Settings, pins: Mapping[str, Pin], *, hit: int = 1, anew: bool = False) -> bool:
    """Run a transform that is killed the ``hit``-th time it passes a place; say whether it got there."""
    keys = {"s3_access_key": settings.s3_access_key, "s3_secret_key": settings.s3_secret_key}
    told = {
        "at": f"{place}:{hit}:kill",
        "anew": anew,
        "pins": {name: pin._asdict() for name, pin in pins.items()},
        "settings": {name: key.get_secret_value() for name, key in keys.items() if key}
        | {"state_dir": str(settings.state_dir), "s3_endpoint": settings.s3_endpoint},
    }
    done = subprocess.run([sys.executable, "-c", PROGRAM], input=orjson.dumps(told), env=dict(os.environ), check=False)
    assert done.returncode in (0, -signal.SIGKILL)
    return done.returncode != 0


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
