"""Where the flow's results go: windows, progress and dead letters, each write repeatable without effect."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
import redis
import structlog
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from redis.exceptions import RedisError
from tenacity import RetryCallState, retry, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from lake.errors import ServiceError
from lake.live.windows import CHANGES, FLOW, INDEX, KEPT, MINUTE, WINDOW, FlowState, Window
from lake.settings import Settings
from streams.source import DeadLetter

DEAD = "boathouse:dead"
DEAD_PLACES = "boathouse:dead:places"
MOST_CHANGES = 10_000
PATIENCE_SECONDS = 60

# A window of the same generation is only ever replaced by one with more changes, so a replay does nothing.
WRITE_WINDOW = """
if redis.call('HGET', KEYS[1], 'generation') == ARGV[1]
  and tonumber(redis.call('HGET', KEYS[1], 'changes')) >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'generation', ARGV[1], 'changes', ARGV[2], 'document', ARGV[3])
redis.call('EXPIREAT', KEYS[1], ARGV[4])
redis.call('ZADD', KEYS[2], ARGV[5], ARGV[6])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', '(' .. ARGV[7])
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[8], '*', 'document', ARGV[3])
return 1
"""
WRITE_DEAD = """
if redis.call('SADD', KEYS[2], ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[1], '*', 'place', ARGV[1], unpack(ARGV, 2))
return 1
"""

log = structlog.get_logger("streams")


class LiveSink(DynamicSink[Any]):
    """Windows and the flow's progress, in Redis."""

    def __init__(self, settings: Settings, generation: str) -> None:
        self._settings, self._generation = settings, generation

    def build(self, step_id: str, worker_index: int, worker_count: int) -> "LivePartition":
        """Connect a worker."""
        return LivePartition(connect(self._settings), self._generation)


class LivePartition(StatelessSinkPartition[Any]):
    """Writes the newest of each window, then how far the flow is."""

    def __init__(self, client: Any, generation: str) -> None:
        self._redis, self._generation = client, generation
        self._write = client.register_script(WRITE_WINDOW)

    def write_batch(self, items: list[Window | FlowState]) -> None:
        """Write windows and progress in the order they came."""
        windows = {item.member: item for item in items if isinstance(item, Window)}
        progress = [item for item in items if isinstance(item, FlowState)]
        persistently(lambda: self._write_all(list(windows.values()), progress))

    def _write_all(self, windows: list[Window], progress: list[FlowState]) -> None:
        now = datetime.now(UTC)
        with self._redis.pipeline(transaction=False) as pipe:
            for window in windows:
                gone = int((window.minute + MINUTE + KEPT).timestamp())
                if gone > now.timestamp():
                    self._write(self._keys(window), self._arguments(window, gone, now), pipe)
            if progress:
                pipe.set(FLOW, msgspec.json.encode(progress[-1]))
            pipe.execute()

    def _keys(self, window: Window) -> list[str]:
        return [WINDOW + window.member, INDEX, CHANGES]

    def _arguments(self, window: Window, gone: int, now: datetime) -> list[str | int | bytes]:
        minute, oldest = int(window.minute.timestamp()), int((now - KEPT).timestamp())
        document = msgspec.json.encode(window)
        return [self._generation, window.changes, document, gone, minute, window.member, oldest, MOST_CHANGES]


class DeadLetterSink(DynamicSink[DeadLetter]):
    """What couldn't be read, in a stream of Redis of its own, once for each place on the bus."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def build(self, step_id: str, worker_index: int, worker_count: int) -> "DeadLetterPartition":
        """Connect a worker."""
        return DeadLetterPartition(connect(self._settings))


class DeadLetterPartition(StatelessSinkPartition[DeadLetter]):
    """Writes dead letters."""

    def __init__(self, client: Any) -> None:
        self._write = client.register_script(WRITE_DEAD)

    def write_batch(self, items: list[DeadLetter]) -> None:
        """Write each letter with its reason, unless it is there."""
        for letter in items:
            log.warning("an event can't be read", reason=letter.reason, place=letter.place)
            fields = {**letter.event.fields(), "reason": letter.reason}
            parts = [part for pair in fields.items() for part in pair]
            persistently(partial(self._write, [DEAD, DEAD_PLACES], [letter.place, *parts]))


def connect(settings: Settings) -> Any:
    """Connect to Redis. Raises ServiceError when none is named."""
    if settings.redis_url is None:
        raise ServiceError("Live numbers are kept in Redis; set BOATHOUSE_REDIS_URL or start one with `just up`.")
    return redis.from_url(settings.redis_url.get_secret_value(), socket_timeout=5.0)


def _given_up(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    raise ServiceError(
        f"Redis has not taken the live numbers for {PATIENCE_SECONDS} s ({type(error).__name__}); "
        "when it is back, start the flow again and it goes on where it was."
    ) from error


@retry(
    retry=retry_if_exception_type((RedisError, OSError)),
    wait=wait_exponential_jitter(multiplier=0.1, max=3),
    stop=stop_after_delay(PATIENCE_SECONDS),
    retry_error_callback=_given_up,
)
def persistently(write: Callable[[], Any]) -> None:
    """Write until Redis takes it. Raises ServiceError after PATIENCE_SECONDS."""
    write()
