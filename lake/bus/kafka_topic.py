"""The bus as a topic of Kafka."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import redis
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from pydantic import SecretStr
from redis.exceptions import RedisError

from lake.bus.events import Entry, Event, GapError
from lake.errors import ServiceError, SettingError

DELIVERY = "boathouse:delivery:"
DELIVERY_SECONDS = 5 * 24 * 60 * 60
TIMEOUT_SECONDS = 2.0
GONE = (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)


class KafkaTopic:
    """A bus in one topic; what is published is acknowledged by all in-sync replicas.

    Delivery ids are remembered in Redis if there is one. That and the publishing are two steps, so a repeat can
    get through when one of them fails; the folds that read the bus don't mind.
    """

    def __init__(self, url: str, redis_url: SecretStr | None) -> None:
        """Take ``kafka://host:port/topic``. Raises SettingError when an address has no topic."""
        parts = urlsplit(url)
        self.name = parts.path.strip("/")
        if not parts.netloc or not self.name:
            raise SettingError("BOATHOUSE_BUS_URL names no topic; it takes kafka://host:port/topic.")
        self._servers = {"bootstrap.servers": parts.netloc}
        self._producer: Any = Producer(
            self._servers
            | {"acks": "all", "linger.ms": 0, "message.timeout.ms": int(TIMEOUT_SECONDS * 1000), "log_level": 0}
        )
        secret = redis_url.get_secret_value() if redis_url else None
        timeouts = {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS}
        self._redis: Any = redis.from_url(secret, **timeouts) if secret else None

    async def publish(self, event: Event) -> bool:
        """Send an event and wait for its acknowledgement; see Bus."""
        return await asyncio.to_thread(self._publish_now, event)

    def partitions(self) -> list[str]:
        """List the topic's partitions; a topic that isn't there is made with one."""
        admin: Any = AdminClient(self._servers | {"log_level": 0})
        try:
            known = admin.list_topics(timeout=TIMEOUT_SECONDS).topics
            if self.name not in known:
                for made in admin.create_topics([NewTopic(self.name, 1, 1)]).values():
                    made.result(TIMEOUT_SECONDS)
            found = admin.list_topics(self.name, timeout=TIMEOUT_SECONDS).topics[self.name]
        except KafkaException as error:
            raise _away(error) from error
        return [str(number) for number in sorted(found.partitions)]

    def reader(self, partition: str, position: str = "") -> "KafkaReader":
        """Read a partition; see Bus."""
        return KafkaReader(self._servers, self.name, int(partition), position)

    async def close(self) -> None:
        """Send what is left and let go."""
        self._producer.flush(TIMEOUT_SECONDS)
        if self._redis is not None:
            self._redis.close()

    def _publish_now(self, event: Event) -> bool:
        key = f"{DELIVERY}{event.source}:{event.delivery_id}"
        with suppress(RedisError, OSError):
            if self._redis is not None and self._redis.exists(key):
                return False
        failures: list[Any] = []
        fields = event.fields()
        body = fields.pop("body")

        def answered(error: Any, _: Any) -> None:
            if error is not None:
                failures.append(error)

        try:
            self._producer.produce(self.name, value=body, headers=list(fields.items()), on_delivery=answered)
        except (KafkaException, BufferError) as error:
            raise _away(error) from error
        if self._producer.flush(2 * TIMEOUT_SECONDS) or failures:
            raise _away(KafkaException(failures[0]) if failures else TimeoutError())
        with suppress(RedisError, OSError):
            if self._redis is not None:
                self._redis.set(key, 1, ex=DELIVERY_SECONDS)
        return True


class KafkaReader:
    """Reads one partition in order; a position is the next offset."""

    def __init__(self, servers: dict[str, str], topic: str, partition: int, position: str) -> None:
        settings = {"group.id": "boathouse", "enable.auto.commit": False, "auto.offset.reset": "error", "log_level": 0}
        self._consumer: Any = Consumer(servers | settings)
        self._position, self._topic, self._partition = position, topic, partition
        offset = int(position) if position else OFFSET_BEGINNING
        self._consumer.assign([TopicPartition(topic, partition, offset)])

    @property
    def position(self) -> str:
        """Give the next offset to read."""
        return self._position

    def read(self, most: int) -> list[Entry]:
        """Read up to ``most`` messages; see Reader."""
        return [self._entry(message) for message in self._consumer.consume(most, timeout=0.0)]

    def close(self) -> None:
        """Close the consumer."""
        self._consumer.close()

    def _entry(self, message: Any) -> Entry:
        error = message.error()
        if error is not None and error.code() in GONE:
            raise GapError(
                f"The events from offset {self._position} of {self._topic}/{self._partition} are no longer there; "
                "the next pull has them, and `python -m streams reset` goes on from what the bus holds."
            )
        if error is not None:
            raise _away(KafkaException(error))
        self._position = str(message.offset() + 1)
        fields = dict(message.headers() or []) | {"body": message.value() or b""}
        try:
            return Entry(self._position, Event.of_fields(fields))
        except (KeyError, ValueError) as problem:
            now = datetime.now(UTC)
            place = f"{self._topic}/{self._partition}/{message.offset()}"
            return Entry(self._position, Event("unknown", f"not an event: {problem!r}", place, now, fields["body"]))


def _away(error: Exception) -> ServiceError:
    reason = error.args[0].name() if error.args and hasattr(error.args[0], "name") else type(error).__name__
    return ServiceError(
        f"The bus in Kafka doesn't take or give events ({reason}); check BOATHOUSE_BUS_URL and that it runs."
    )
