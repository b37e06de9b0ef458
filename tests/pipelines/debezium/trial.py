"""What ``test_kafka`` runs in an environment that has Kafka's client and the Tansu broker."""

import json
import sys
import time
from typing import Any

from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined, unused-ignore]
from pydantic import SecretStr

from lake import failpoints
from lake.catalogue import open_catalogue
from lake.errors import BoathouseError
from lake.handover import load
from pipelines.debezium import pull
from tests.pipelines.debezium.events import PLACEHOLDER, Said, said, tombstone
from tests.streams.kafka_trial import PATIENCE_SECONDS, broker

FIELDS = [{"field": "sku", "type": "string"}, {"field": "pieces", "type": "int32"}, {"field": "note", "type": "string"}]


def row(sku: str, pieces: int, note: str) -> dict[str, Any]:
    return {"sku": sku, "pieces": pieces, "note": note}


FIRST = [
    said("r", None, row("a", 1, "long"), commit=None, lsn=90, fields=FIELDS),
    said("r", None, row("b", 2, "short"), commit=None, lsn=90, fields=FIELDS),
    said("u", None, row("a", 3, PLACEHOLDER), commit=100, lsn=110, fields=FIELDS),
    said("d", row("b", 0, ""), None, commit=120, lsn=130, fields=FIELDS),
    tombstone("b"),
]
SECOND = [
    said("c", None, row("c", 5, "new"), commit=140, lsn=150, fields=FIELDS),
    said("c", None, row("d", 6, "newer"), commit=160, lsn=170, fields=FIELDS),
]
# The same column, of another type.
THIRD = [
    said(
        "u",
        None,
        {"sku": "c", "pieces": "five"},
        commit=200,
        lsn=210,
        fields=[FIELDS[0], FIELDS[1] | {"type": "string"}],
    )
]


def publish(producer: Any, topic: str, messages: list[Said]) -> None:
    """Send one by one: this broker takes the end of a batch for that of its first message."""
    for message in messages:
        producer.produce(topic, key=message.key, value=message.value, headers=list(message.headers.items()))
        assert producer.flush(PATIENCE_SECONDS) == 0


def made(place: str, *topics: str) -> None:
    """Wait for the broker and have the topics made."""
    admin: Any = AdminClient({"bootstrap.servers": place, "log_level": 0})
    limit = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            admin.list_topics(timeout=1)
            for future in admin.create_topics([NewTopic(topic, 1, 1) for topic in topics]).values():
                future.result(PATIENCE_SECONDS)
        except KafkaException:
            assert time.monotonic() < limit
        else:
            return


def main() -> None:
    """Pull twice, die after a commit, pull again, and print what bronze has."""
    plain = load(sys.stdin.readline())
    told: dict[str, Any] = {}
    with broker() as place:
        settings = plain.model_copy(update={"debezium_url": SecretStr(f"kafka://{place}/shop.public.*")})
        catalogue = open_catalogue(settings)
        made(place, "shop.public.stock", "shop.public.other", "another")
        producer: Any = Producer({"bootstrap.servers": place, "log_level": 0})
        publish(producer, "shop.public.stock", FIRST)
        publish(producer, "another", [Said(b"", b"no JSON")])
        told["first"] = pull(settings, catalogue).rows
        told["again"] = pull(settings, catalogue).rows
        publish(producer, "shop.public.stock", SECOND)
        other = said("c", None, {"id": 1}, commit=180, lsn=190, table="other", key="id")
        publish(producer, "shop.public.other", [other])
        failpoints.arm("debezium.landed:1:error")
        try:
            pull(settings, catalogue)
        except BoathouseError as error:
            told["failed"] = str(error)
        told["after"] = pull(settings, catalogue).rows
        told["last"] = pull(settings, catalogue).rows
        publish(producer, "shop.public.stock", THIRD)
        publish(
            producer, "shop.public.other", [said("c", None, {"id": 2}, commit=200, lsn=230, table="other", key="id")]
        )
        for name in ("misfit", "still"):
            counted = pull(settings, catalogue)
            told[name] = counted.rows, counted.stopped
        with catalogue.load_table("bronze.pg_public_stock").update_schema() as update:
            update.rename_column("pieces", "pieces_before")
        told["mended"] = pull(settings, catalogue).rows
    told["rows"] = {
        name: catalogue.load_table(f"bronze.pg_public_{name}").scan().to_arrow().to_pylist()
        for name in ("stock", "other")
    }
    print(json.dumps(told, default=str))


if __name__ == "__main__":
    main()
