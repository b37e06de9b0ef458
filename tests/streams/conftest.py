"""A bus, a state folder and a lake of one's own for each test."""

from collections.abc import Iterator
from itertools import count
from typing import Any
from uuid import uuid4

import boto3
import pytest
import redis
from pydantic import SecretStr

from lake.settings import Settings

NUMBERS = count(1)


@pytest.fixture
def live(settings: Settings) -> Iterator[Settings]:
    """Settings with an empty database of Redis, an empty warehouse and an empty state folder."""
    assert settings.redis_url
    name = f"live-{uuid4().hex[:12]}"
    make_warehouse(settings, name)
    address = settings.redis_url.get_secret_value().rpartition("/")[0]
    own = settings.model_copy(
        update={
            "redis_url": SecretStr(f"{address}/{1 + next(NUMBERS) % 15}"),
            "catalog_warehouse": f"s3://{name}/",
            "state_dir": settings.state_dir / name,
            "stream_lateness": 5.0,
            "stream_snapshot": 0.1,
            "landing_interval": 0.2,
        }
    )
    with client_of(own) as client:
        client.flushdb()
        yield own
        client.flushdb()


def client_of(settings: Settings) -> Any:
    """Connect to the Redis of the settings."""
    assert settings.redis_url
    return redis.from_url(settings.redis_url.get_secret_value())


def make_warehouse(settings: Settings, name: str) -> None:
    """Make a table bucket in the embedded object store."""
    client: Any = boto3.client
    assert settings.s3_access_key
    assert settings.s3_secret_key
    client(
        "s3tables",
        endpoint_url=settings.s3_endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key.get_secret_value(),
        aws_secret_access_key=settings.s3_secret_key.get_secret_value(),
    ).create_table_bucket(name=name)
