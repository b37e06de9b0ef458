"""A window: what happened in one minute in one currency, and how Redis keeps it."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import redis
from redis.exceptions import RedisError

from lake.errors import ServiceError
from lake.settings import Settings

MINUTE = timedelta(minutes=1)
KEPT = timedelta(hours=24)
"""How long a window is there; what changes an older one is left to the batch."""

INDEX = "boathouse:live:windows"
CHANGES = "boathouse:live:changes"
FLOW = "boathouse:live:flow"
WINDOW = "boathouse:live:window:"

COUNT = "orders"
REFUNDED = "refunded"
CENT = Decimal("0.01")

Values = dict[str, Decimal]


class Window(msgspec.Struct, frozen=True):
    """One minute (its begin, UTC) in one currency.

    ``values`` maps the names of sums to what they come to. ``changes`` counts the events that changed it,
    ``late`` those that did after it had closed, ``newest_event_at`` is when the newest of them happened, and
    ``updated_at`` when the flow wrote the window.
    """

    minute: datetime
    currency: str
    values: Values
    changes: int
    late: int
    newest_event_at: datetime
    updated_at: datetime

    @property
    def member(self) -> str:
        """Name the window in the index and in its key."""
        return member(self.minute, self.currency)


class FlowState(msgspec.Struct, frozen=True):
    """How far the flow is: it has read ``events`` and no event from before ``watermark`` is expected any more.

    ``lag_seconds`` is how long the last event had waited on the bus, 0 when the flow has read all; ``at`` is
    when it said so.
    """

    watermark: datetime
    at: datetime
    lag_seconds: float
    events: int

    def closes(self, minute: datetime) -> bool:
        """Say whether the window that begins at ``minute`` is closed."""
        return minute + MINUTE <= self.watermark

    def lag(self, now: datetime) -> float:
        """Give the lag in seconds, growing while the flow is silent."""
        silent = (now - self.at).total_seconds()
        return round(self.lag_seconds + (silent if silent > 5 else 0), 3)


decode_window = msgspec.json.Decoder(Window).decode
decode_flow = msgspec.json.Decoder(FlowState).decode


def minute_of(at: datetime) -> datetime:
    """Give the begin of the minute in UTC."""
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def member(minute: datetime, currency: str) -> str:
    """Name a window: ``2026-11-23T01:39Z USD``."""
    return f"{minute:%Y-%m-%dT%H:%MZ} {currency}"


def keys_of(members: Iterable[bytes]) -> list[str]:
    """Give the keys of the windows that the index names."""
    return [WINDOW + name.decode() for name in members]


class LiveWindows:
    """The windows in Redis, for whoever isn't asynchronous."""

    def __init__(self, settings: Settings) -> None:
        """Connect lazily. Raises ServiceError when no Redis is named."""
        if settings.redis_url is None:
            raise ServiceError("There are no live numbers without Redis; set BOATHOUSE_REDIS_URL or use `just up`.")
        self._redis: Any = redis.from_url(settings.redis_url.get_secret_value(), socket_timeout=5.0)

    def since(self, start: datetime) -> list[Window]:
        """Read the windows that begin at ``start`` or later, oldest first. Raises ServiceError."""
        try:
            members = self._redis.zrange(INDEX, start.timestamp(), "+inf", byscore=True)
            with self._redis.pipeline(transaction=False) as pipe:
                for key in keys_of(members):
                    pipe.hget(key, "document")
                found = pipe.execute()
        except (RedisError, OSError) as error:
            raise ServiceError(f"Redis doesn't give the live numbers ({type(error).__name__}).") from error
        return [decode_window(document) for document in found if document is not None]

    def closed(self, start: datetime) -> list[Window]:
        """Read the windows since ``start`` that are closed, oldest first."""
        flow = self.flow()
        return [window for window in self.since(start) if flow is not None and flow.closes(window.minute)]

    def flow(self) -> FlowState | None:
        """Read how far the flow is; None before it ran. Raises ServiceError."""
        try:
            document = self._redis.get(FLOW)
        except (RedisError, OSError) as error:
            raise ServiceError(f"Redis doesn't give the live numbers ({type(error).__name__}).") from error
        return None if document is None else decode_flow(document)

    def close(self) -> None:
        """Close the connection."""
        self._redis.close()
