"""A catalogue, tables of the test's own, and a network between the two that can be told to fail."""

from collections.abc import Iterator
from uuid import uuid4

import pyarrow as pa
import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.table import Table

from lake import failpoints
from lake.catalogue import ensure_table, open_catalogue
from lake.commits import Mark
from lake.settings import Settings
from tests.lake.network import Network

SCHEMA = pa.schema([("id", pa.string()), ("version", pa.string()), ("_load_id", pa.string())])


def rows(load_id: str, *ids: str) -> pa.Table:
    """Documents of version 1."""
    columns = [list(ids), ["1"] * len(ids), [load_id] * len(ids)]
    return pa.Table.from_arrays([pa.array(column, pa.string()) for column in columns], schema=SCHEMA)


def mark(load_id: str, writer: str = "poll") -> Mark:
    return Mark(writer, load_id, f"after {load_id}")


def ids(table: Table) -> list[str]:
    """What another reader finds in the table."""
    table.refresh()
    return sorted(table.scan().to_arrow()["id"].to_pylist())


@pytest.fixture
def catalogue(settings: Settings) -> Catalog:
    return open_catalogue(settings)


@pytest.fixture
def unique() -> str:
    """A name that no other test has."""
    return f"t{uuid4().hex[:12]}"


@pytest.fixture
def table(catalogue: Catalog, unique: str) -> Table:
    """An empty table."""
    return ensure_table(catalogue, f"{unique}.orders", SCHEMA)


@pytest.fixture
def network(settings: Settings) -> Iterator[Network]:
    """A way to the catalogue that can lose replies and refuse requests."""
    with Network(str(settings.catalog_uri)) as network:
        yield network


@pytest.fixture
def far(settings: Settings, network: Network, table: Table) -> Table:
    """The same empty table, reached over that way."""
    away = settings.model_copy(update={"catalog_uri": network.url})
    return open_catalogue(away).load_table(table.name())


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    failpoints.arm("")
