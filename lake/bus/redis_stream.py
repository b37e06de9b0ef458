"""The bus as a stream of Redis or Valkey."""

import time
from datetime import UTC, datetime
from typing import Any

import redis
import redis.asyncio
from redis.exceptions import RedisError, ResponseError

from lake.bus.events import Entry, Event, GapError
from lake.errors import ServiceError

STREAM = "boathouse:events"
DELIVERY = "boathouse:delivery:"
DELIVERY_SECONDS = 5 * 24 * 60 * 60
"""Longer than any vendor tries again: Stripe does so for three days, Shopify for four hours."""
TIMEOUT_SECONDS = 2.0

RESET = "the next pull has them, and `python -m streams reset` goes on from what the bus holds."

# The entry goes first: if it is refused, the script ends there and the vendor's next try is still new.
PUBLISH = """
if redis.call('EXISTS', KEYS[2]) == 1 then return false end
local id = redis.call('XADD', KEYS[1], 'MINID', '~', ARGV[1], '*', unpack(ARGV, 3))
redis.call('SET', KEYS[2], id, 'EX', ARGV[2])
return id
"""


class RedisStream:
    """A bus in one stream.

    With its append-only file on, Redis writes an entry to it before it answers; a killed server loses nothing,
    a power cut at most the last second (``appendfsync everysec``).
    """

    name = STREAM

    def __init__(self, url: str, retention_hours: float) -> None:
        self._url, self._retention = url, retention_hours
        timeouts = {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS}
        self._redis: Any = redis.asyncio.from_url(url, **timeouts)
        self._publish = self._redis.register_script(PUBLISH)

    async def publish(self, event: Event) -> bool:
        """Put an event and its delivery id into Redis in one step; see Bus."""
        oldest = int((time.time() - self._retention * 3600) * 1000)
        fields = [part for pair in event.fields().items() for part in pair]
        try:
            keys = [STREAM, f"{DELIVERY}{event.source}:{event.delivery_id}"]
            return await self._publish(keys, [oldest, DELIVERY_SECONDS, *fields]) is not None
        except (RedisError, OSError) as error:
            raise _away(error) from error

    def partitions(self) -> list[str]:
        """Give the stream as the one partition."""
        return [STREAM]

    def reader(self, partition: str, position: str = "") -> "RedisReader":
        """Read the stream; see Bus."""
        return RedisReader(self._url, position)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()


class RedisReader:
    """Reads the stream in order.

    A position is the last entry's id and its number, counted from the first entry ever: the number tells
    whether entries were trimmed away unread.
    """

    def __init__(self, url: str, position: str = "") -> None:
        self._redis: Any = redis.from_url(url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)
        last, _, number = position.partition(" ")
        self._last, self._number = last, int(number or 0)

    @property
    def position(self) -> str:
        """Give the position after the last entry that was read."""
        return f"{self._last} {self._number}" if self._last else ""

    def read(self, most: int) -> list[Entry]:
        """Read up to ``most`` entries; see Reader."""
        try:
            with self._redis.pipeline(transaction=True) as pipe:
                pipe.xinfo_stream(STREAM)
                pipe.xrange(STREAM, min=f"({self._last}" if self._last else "-", count=most)
                info, found = pipe.execute(raise_on_error=False)
        except (RedisError, OSError) as error:
            raise _away(error) from error
        self._check(info)
        return [self._entry(identity, fields) for identity, fields in found]

    def close(self) -> None:
        """Close the connection."""
        self._redis.close()

    def _check(self, info: Any) -> None:
        """Compare how many entries came and went with how many were read."""
        missing = isinstance(info, ResponseError) and "no such key" in str(info)
        if isinstance(info, Exception) and not missing:
            raise _away(info)
        added, trimmed = (0, 0) if missing else (info["entries-added"], info["entries-added"] - info["length"])
        if not self._last:
            self._number = trimmed
        elif added < self._number:
            raise GapError(f"The bus {STREAM} was emptied or replaced after {self._last}; {RESET}")
        elif trimmed > self._number:
            raise GapError(
                f"{trimmed - self._number} events after {self._last} were removed from the bus {STREAM} "
                f"before they were read; {RESET}"
            )

    def _entry(self, identity: bytes, fields: dict[bytes, bytes]) -> Entry:
        self._last, self._number = identity.decode(), self._number + 1
        named = {key.decode(): value for key, value in fields.items()}
        try:
            event = Event.of_fields(named)
        except (KeyError, ValueError) as error:
            event = foreign(identity.decode(), named, error)
        return Entry(self.position, event)


def foreign(identity: str, fields: dict[str, bytes], error: Exception) -> Event:
    """Make an event of an entry that isn't one, so that it reaches the dead letters."""
    at = datetime.fromtimestamp(int(identity.split("-", maxsplit=1)[0]) / 1000, UTC)
    return Event("unknown", f"not an event: {error!r}", identity, at, fields.get("body", b""))


def _away(error: Exception) -> ServiceError:
    return ServiceError(
        f"The bus in Redis doesn't take or give events ({type(error).__name__}); check BOATHOUSE_BUS_URL "
        "and that it runs."
    )
