"""Waiting for the flow, and reading what it made of the events."""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from subprocess import Popen

from lake.live.windows import LiveWindows, Window
from lake.settings import Settings
from streams.running import flowing
from tests.streams.shop import Sums, minutes_ago

PATIENCE_SECONDS = 60
PAUSE = threading.Event()


def until(settled: Callable[[], bool], child: "Popen[str] | None" = None) -> None:
    """Wait until something holds; fail when it doesn't for a minute or when the flow ended."""
    limit = time.monotonic() + PATIENCE_SECONDS
    while not settled():
        assert time.monotonic() < limit, "it didn't come to hold"
        assert child is None or child.poll() is None, "the flow ended"
        PAUSE.wait(0.01)


def has_read(settings: Settings, events: int) -> Callable[[], bool]:
    """Make the question whether the flow has read so many events."""
    live = LiveWindows(settings)
    return lambda: (flow := live.flow()) is not None and flow.events >= events


def read_all(settings: Settings, events: int) -> dict[tuple[datetime, str], Window]:
    """Run the flow until it has read so many events, and give the windows."""
    with flowing(settings) as child:
        until(has_read(settings, events), child)
    return windows(settings)


def windows(settings: Settings) -> dict[tuple[datetime, str], Window]:
    """Give the windows there are."""
    return {(window.minute, window.currency): window for window in LiveWindows(settings).since(minutes_ago(24 * 60))}


def sums(found: dict[tuple[datetime, str], Window]) -> Sums:
    """Give the windows' sums, without those that are nothing."""
    plain = {key: {name: value for name, value in window.values.items() if value} for key, window in found.items()}
    return {key: values for key, values in plain.items() if values}


def total(found: dict[tuple[datetime, str], Window], name: str) -> Decimal:
    """Add a sum up over all windows."""
    return sum((window.values.get(name, Decimal(0)) for window in found.values()), Decimal(0))
