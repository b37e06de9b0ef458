"""The live lane of the API: the last hour's windows, and a stream of those that change."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import redis.asyncio
from redis.exceptions import RedisError

from lake.errors import ServiceError, UnknownNameError
from lake.live.measures import LiveMetric
from lake.live.windows import CHANGES, FLOW, INDEX, FlowState, Window, decode_flow, decode_window, keys_of
from lake.settings import Settings

SHOWN = timedelta(hours=1)
HEARTBEAT_SECONDS = 1.0
MOST_READERS = 100
TIMEOUT_SECONDS = 2.0
MOST_MISSED = 2000


class LiveRow(msgspec.Struct):
    """One minute in one currency; ``late`` counts the events that corrected it after it had closed."""

    time: datetime
    currency: str
    value: str | int | None
    closed: bool
    late: int
    newest_event_at: datetime
    updated_at: datetime


class LiveSeries(msgspec.Struct):
    """A metric minute by minute over the last hour; money is text, ``lag_seconds`` is None before the flow ran."""

    metric: str
    description: str
    unit: str
    window: str
    watermark: datetime | None
    lag_seconds: float | None
    data: list[LiveRow]


class Live:
    """Reads the windows that the flow keeps in Redis. Raises ServiceError when they can't be had."""

    def __init__(self, settings: Settings, metrics: dict[str, LiveMetric]) -> None:
        self.metrics = metrics
        url = settings.redis_url.get_secret_value() if settings.redis_url else None
        patience: dict[str, Any] = {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS}
        self._redis: Any = redis.asyncio.from_url(url, **patience) if url else None
        self._readers = 0
        self._stopping = asyncio.Event()

    async def series(self, name: str) -> LiveSeries:
        """Give the last hour of a metric. Raises UnknownNameError when it isn't live."""
        if name not in self.metrics:
            raise UnknownNameError("metric", name, self.metrics)
        metric = self.metrics[name]
        flow, windows = await self._last_hour()
        rows = [row(metric, window, flow) for window in windows]
        watermark, lag = (flow.watermark, flow.lag(datetime.now(UTC))) if flow else (None, None)
        return LiveSeries(name, metric.description, metric.unit, "minute", watermark, lag, rows)

    def stream(self, last_id: str) -> AsyncIterator[bytes]:
        """Stream windows as server-sent events, those after ``last_id`` first; without it, the last hour.

        Raises ServiceError when too many read already.
        """
        if self._redis is None or self._readers >= MOST_READERS:
            raise ServiceError("No more readers of the live stream can be served here; try again later.")
        return self._events(last_id)

    def stop(self) -> None:
        """End all streams within HEARTBEAT_SECONDS; a server that stops waits for them."""
        self._stopping.set()

    async def close(self) -> None:
        """Let go of Redis."""
        if self._redis is not None:
            await self._redis.aclose()

    async def _last_hour(self) -> tuple[FlowState | None, list[Window]]:
        if self._redis is None:
            raise ServiceError("There are no live numbers without Redis; set BOATHOUSE_REDIS_URL.")
        start = (datetime.now(UTC) - SHOWN).timestamp()
        try:
            members = await self._redis.zrange(INDEX, start, "+inf", byscore=True)
            pipe = self._redis.pipeline(transaction=False)
            pipe.get(FLOW)
            for key in keys_of(members):
                pipe.hget(key, "document")
            flow, *documents = await pipe.execute()
        except (RedisError, OSError) as error:
            raise ServiceError(f"Redis doesn't give the live numbers ({type(error).__name__}).") from error
        windows = [decode_window(document) for document in documents if document is not None]
        return (decode_flow(flow) if flow else None), windows

    async def _events(self, last_id: str) -> AsyncIterator[bytes]:
        self._readers += 1
        try:
            yield b"retry: 2000\n\n"
            last, missed = await self._begin(last_id)
            for chunk in missed:
                yield chunk
            yield await self._beat()
            while not self._stopping.is_set():
                found = await self._redis.xread({CHANGES: last}, block=int(HEARTBEAT_SECONDS * 1000), count=500)
                for identity, fields in found[0][1] if found else []:
                    last = identity.decode()
                    yield self._event(last, decode_window(fields[b"document"]))
                yield await self._beat()
        except (RedisError, OSError):
            return  # the reader comes back by itself, with the id it had
        finally:
            self._readers -= 1

    async def _beat(self) -> bytes:
        flow = await self._redis.get(FLOW)
        return beat(decode_flow(flow) if flow else None)

    async def _begin(self, last_id: str) -> tuple[str, list[bytes]]:
        """Give the id to go on from, and what to send first."""
        newest = await self._redis.xrevrange(CHANGES, count=1)
        last = newest[0][0].decode() if newest else "0-0"
        if is_id(last_id):
            missed = await self._redis.xrange(CHANGES, min=f"({last_id}", max=last, count=MOST_MISSED)
            oldest = await self._redis.xrange(CHANGES, count=1)
            if len(missed) < MOST_MISSED and oldest and number(oldest[0][0].decode()) <= number(last_id):
                return last, [self._event(i.decode(), decode_window(f[b"document"])) for i, f in missed]
        _, windows = await self._last_hour()
        return last, [self._event(last, window) for window in windows]

    def _event(self, identity: str, window: Window) -> bytes:
        values = {name: metric.value(window.values) for name, metric in self.metrics.items()}
        said = {
            "time": window.minute,
            "currency": window.currency,
            "values": values,
            "late": window.late,
            "newest_event_at": window.newest_event_at,
            "updated_at": window.updated_at,
        }
        return b"id: %b\nevent: window\ndata: %b\n\n" % (identity.encode(), msgspec.json.encode(said))


def row(metric: LiveMetric, window: Window, flow: FlowState | None) -> LiveRow:
    """Give a window as a row of a metric."""
    return LiveRow(
        window.minute,
        window.currency,
        metric.value(window.values),
        flow is not None and flow.closes(window.minute),
        window.late,
        window.newest_event_at,
        window.updated_at,
    )


def beat(flow: FlowState | None) -> bytes:
    """Write the event that says how far the flow is; it also keeps the connection open."""
    now = datetime.now(UTC)
    said = {"watermark": flow.watermark, "lag_seconds": flow.lag(now)} if flow else {"lag_seconds": None}
    return b"event: beat\ndata: %b\n\n" % msgspec.json.encode(said | {"now": now})


def is_id(text: str) -> bool:
    """Say whether a text is the id of a stream's entry."""
    parts = text.split("-")
    return len(parts) == 2 and all(part.isascii() and part.isdigit() and len(part) < 20 for part in parts)


def number(identity: str) -> tuple[int, ...]:
    """Give an id as numbers, which sort as the entries do."""
    return tuple(int(part) for part in identity.split("-"))
