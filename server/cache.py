"""Answers kept as bytes: in this process, in front of Redis, in front of whoever computes them."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

import redis.asyncio
import structlog
from redis.exceptions import RedisError

from lake.settings import Settings

MOST_ENTRIES = 4096
MOST_KEPT_BYTES = 64 * 1024 * 1024
MOST_SHARED_BYTES = 1024 * 1024
TTL_SECONDS = 24 * 60 * 60
TIMEOUT_SECONDS = 0.25
PAUSE_SECONDS = 5.0

K = TypeVar("K")
V = TypeVar("V")

log = structlog.get_logger("server")


class Kept(Generic[K, V]):
    """What was used last, in this process, up to a number of entries and of bytes; the oldest go first."""

    def __init__(self, most: int = MOST_ENTRIES, most_bytes: int = MOST_KEPT_BYTES) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._bytes = 0

    def get(self, key: K) -> V | None:
        """Give what is kept for ``key``, or None."""
        found = self._entries.get(key)
        if found is None:
            return None
        self._entries.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, size: int) -> None:
        """Keep a value that takes ``size`` bytes."""
        if key in self._entries:
            self._bytes -= self._entries.pop(key)[1]
        self._entries[key] = (value, size)
        self._bytes += size
        while len(self._entries) > self._most or self._bytes > self._most_bytes:
            self._bytes -= self._entries.popitem(last=False)[1][1]


class Cache:
    """Bytes by key, shared between servers in Redis.

    Redis is a help, never a need: when it is away answers are computed, it is said once, and it is left
    alone for some seconds. Keys name the release, so what is found is never stale.
    """

    def __init__(self, settings: Settings) -> None:
        url = settings.redis_url.get_secret_value() if settings.redis_url else None
        self._redis = redis.asyncio.from_url(url, **_timeouts()) if url else None
        self._away_until = 0.0
        self._said = False
        self._underway: dict[str, asyncio.Task[bytes]] = {}

    async def answer(self, key: str, compute: Callable[[], Awaitable[bytes]]) -> bytes:
        """Find the bytes for ``key`` or compute and keep them; one computation a key at a time."""
        task = self._underway.get(key)
        if task is None:
            task = asyncio.create_task(self._answer(key, compute))
            self._underway[key] = task
            task.add_done_callback(lambda _: self._underway.pop(key, None))
        return await asyncio.shield(task)

    async def reachable(self) -> bool | None:
        """Say whether Redis answers; None when there is none."""
        if self._redis is None:
            return None
        try:
            await self._redis.ping()
        except (RedisError, OSError):
            return False
        return True

    async def close(self) -> None:
        """Let go of Redis."""
        if self._redis is not None:
            await self._redis.aclose()

    async def _answer(self, key: str, compute: Callable[[], Awaitable[bytes]]) -> bytes:
        found = await self._try(lambda client: client.get(key))
        if isinstance(found, bytes):
            return found
        answer = await compute()
        if len(answer) <= MOST_SHARED_BYTES:
            await self._try(lambda client: client.set(key, answer, ex=TTL_SECONDS))
        return answer

    async def _try(self, command: Callable[[Any], Awaitable[Any]]) -> Any:
        if self._redis is None or time.monotonic() < self._away_until:
            return None
        try:
            result = await command(self._redis)
        except (RedisError, OSError) as error:
            self._away_until = time.monotonic() + PAUSE_SECONDS
            if not self._said:
                log.warning("redis is away, answers are computed", reason=type(error).__name__)
            self._said = True
            return None
        self._said = False
        return result


def _timeouts() -> dict[str, Any]:
    return {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS}
