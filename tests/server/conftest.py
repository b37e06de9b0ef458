"""The toy shop in a warehouse of its own, and a client that asks the API about it."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import boto3
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from lake.settings import Settings
from server.app import create_app
from tests.server.toy import toy_shop


@pytest.fixture(scope="session")
def new_lake(settings: Settings) -> Callable[[], Settings]:
    """Make empty lakes: each call gives settings with a warehouse of their own."""
    client_of: Any = boto3.client
    assert settings.s3_access_key
    assert settings.s3_secret_key
    tables = client_of(
        "s3tables",
        endpoint_url=settings.s3_endpoint,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key.get_secret_value(),
        aws_secret_access_key=settings.s3_secret_key.get_secret_value(),
    )

    def make() -> Settings:
        name = f"toy-{uuid4().hex[:12]}"
        tables.create_table_bucket(name=name)
        own = {"catalog_warehouse": f"s3://{name}/", "state_dir": settings.state_dir / name}
        return settings.model_copy(update=own)

    return make


@pytest.fixture(scope="session")
def shop(new_lake: Callable[[], Settings]) -> Settings:
    """Settings of a lake whose current release is the toy shop's, named ``first``; don't change it."""
    lake = new_lake()
    toy_shop(lake, whole=True)
    return lake


@pytest.fixture(scope="session")
def client(shop: Settings) -> Iterator[TestClient[Litestar]]:
    """Ask the API over the toy shop."""
    with TestClient(create_app(shop)) as asking:
        yield asking
