"""The wire to Kafka: topics by a pattern, read from offsets on up to where they end now."""

import fnmatch
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from lake.errors import ServiceError, SettingError, SourceError
from lake.settings import Settings

TIMEOUT_SECONDS = 10.0
AT_ONCE = 10_000
GONE = (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)
Place = tuple[str, int]


class Message(NamedTuple):
    """A message of Kafka's: where it stands, and its parts."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]


class Topics:
    """The topics that ``debezium_url`` names, ``kafka://host:port,host:port/pattern`` with ``*`` for any characters."""

    def __init__(self, settings: Settings) -> None:
        """Connect. Raises SettingError for an address that names no topics."""
        assert settings.debezium_url is not None
        parts = urlsplit(settings.debezium_url.get_secret_value())
        self._pattern = parts.path.strip("/")
        if parts.scheme != "kafka" or not parts.netloc or not self._pattern:
            raise SettingError("BOATHOUSE_DEBEZIUM_URL names no topics; it takes kafka://host:port/server.schema.*.")
        more = {name: value.get_secret_value() for name, value in settings.debezium_properties.items()}
        ours = {"group.id": "boathouse", "enable.auto.commit": False, "auto.offset.reset": "error", "log_level": 0}
        self._passes_gaps = settings.debezium_gaps == "pass"
        self._consumer: Any = Consumer({"bootstrap.servers": parts.netloc} | more | ours)

    def close(self) -> None:
        """Let go."""
        self._consumer.close()

    def ends(self) -> dict[Place, tuple[int, int]]:
        """Give each partition's first offset and the one after its last, as they are now. Raises ServiceError."""
        try:
            known = self._consumer.list_topics(timeout=TIMEOUT_SECONDS).topics
            places = [
                (name, number)
                for name, topic in sorted(known.items())
                if fnmatch.fnmatchcase(name, self._pattern)
                for number in sorted(topic.partitions)
            ]
            return {
                place: self._consumer.get_watermark_offsets(TopicPartition(*place), timeout=TIMEOUT_SECONDS)
                for place in places
            }
        except KafkaException as error:
            raise away(error) from error

    def read(self, starts: Mapping[Place, int], ends: Mapping[Place, tuple[int, int]]) -> Iterator[Message]:
        """Give each partition's messages in order, from its start (its beginning where none is given) to its end.

        Raises ServiceError, and SourceError when messages are gone that weren't read, unless gaps shall be passed.
        """
        left: dict[Place, int] = {}
        assigned = []
        for place, (first, end) in ends.items():
            start = starts.get(place, first)
            if start < first and not self._passes_gaps:
                raise _gone(place, start)
            if start > end:
                raise SourceError(
                    f"The topic {place[0]} ends before the offset {start} to which it was read, so it isn't the one "
                    "that was read; name another in BOATHOUSE_DEBEZIUM_URL, or have Debezium take a new snapshot."
                )
            if max(start, first) < end:
                left[place] = end
                assigned.append(TopicPartition(*place, max(start, first)))
        self._consumer.assign(assigned)
        while left:
            for message in self._consumer.consume(AT_ONCE, timeout=1.0):
                error = message.error()
                if error is not None:
                    raise (
                        _gone((message.topic(), message.partition()), None)
                        if error.code() in GONE
                        else away(KafkaException(error))
                    )
                place = message.topic(), message.partition()
                if message.offset() < left.get(place, 0):
                    headers = {name: value or b"" for name, value in message.headers() or ()}
                    yield Message(*place, message.offset(), message.key(), message.value(), headers)
            # What isn't shown, such as a transaction's end, moves the position as well.
            for at in self._consumer.position([TopicPartition(*place) for place in left]):
                if at.offset >= left[at.topic, at.partition]:
                    del left[at.topic, at.partition]


def away(error: Exception) -> ServiceError:
    """Say that Kafka can't be read."""
    reason = error.args[0].name() if error.args and hasattr(error.args[0], "name") else type(error).__name__
    return ServiceError(
        f"Kafka doesn't give Debezium's events ({reason}); check BOATHOUSE_DEBEZIUM_URL and that it runs."
    )


def _gone(place: Place, start: int | None) -> SourceError:
    at = "" if start is None else f" from offset {start} on"
    return SourceError(
        f"Messages of {place[0]}, partition {place[1]},{at} were removed before they were read: their changes are lost "
        "to bronze. Have Debezium take a new snapshot, and set BOATHOUSE_DEBEZIUM_GAPS=pass for one load."
    )
