import socket
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.table import Table

from lake.catalogue import ensure_table, find_table, open_catalogue
from lake.errors import CommitError, ServiceError, SettingError
from lake.settings import Settings
from tests.lake.network import Network


def columns(table: Table) -> dict[str, str]:
    arrow = schema_to_pyarrow(table.schema(), include_field_ids=False)
    return {field.name: str(field.type).removeprefix("large_") for field in arrow}


def test_a_table_is_made_once_with_its_namespace(catalogue: Catalog, unique: str) -> None:
    assert find_table(catalogue, f"{unique}.stock") is None
    schema = pa.schema([("sku", pa.string()), ("count", pa.int32())])
    with ThreadPoolExecutor() as pool:
        made = list(pool.map(lambda _: ensure_table(catalogue, f"{unique}.stock", schema), range(2)))
    assert made[0].metadata.table_uuid == made[1].metadata.table_uuid
    assert columns(made[0]) == {"sku": "string", "count": "int32"}


def test_a_table_gains_columns_and_widens_but_loses_none(catalogue: Catalog, unique: str) -> None:
    first = pa.schema([("sku", pa.string()), ("count", pa.int32())])
    ensure_table(catalogue, f"{unique}.stock", first)
    ensure_table(catalogue, f"{unique}.stock", pa.schema([("sku", pa.string()), ("shelf", pa.int64())]))
    wider = ensure_table(catalogue, f"{unique}.stock", pa.schema([("count", pa.int64())]))
    assert columns(wider) == {"sku": "string", "count": "int64", "shelf": "int64"}
    assert columns(catalogue.load_table(wider.name())) == columns(wider)


def test_a_table_that_has_all_columns_is_left_alone(catalogue: Catalog, unique: str) -> None:
    schema = pa.schema([("sku", pa.string()), ("at", pa.timestamp("us", tz="UTC"))])
    before = ensure_table(catalogue, f"{unique}.stock", schema).metadata_location
    assert ensure_table(catalogue, f"{unique}.stock", schema).metadata_location == before


def test_columns_that_do_not_go_together_are_a_sentence(catalogue: Catalog, unique: str) -> None:
    ensure_table(catalogue, f"{unique}.stock", pa.schema([("count", pa.string())]))
    with pytest.raises(CommitError, match=rf"^{unique}\.stock can't take the columns"):
        ensure_table(catalogue, f"{unique}.stock", pa.schema([("count", pa.int64())]))


def test_a_table_is_partitioned_by_day_from_its_first_moment(catalogue: Catalog, unique: str) -> None:
    schema = pa.schema([("id", pa.string()), ("at", pa.timestamp("us", tz="UTC"))])
    table = ensure_table(catalogue, f"{unique}.events", schema, partition_day="at")
    field = table.spec().fields[0]
    assert (str(field.transform), table.schema().find_column_name(field.source_id)) == ("day", "at")
    assert len(table.metadata.partition_specs) == 1


def test_a_catalogue_that_does_not_answer_is_a_sentence(settings: Settings) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(ServiceError, match=rf"^The Iceberg catalogue at {uri} doesn't answer .*it runs\.$"):
            open_catalogue(settings.model_copy(update={"catalog_uri": uri}))


def test_a_catalogue_that_stops_answering_is_a_sentence(settings: Settings, network: Network) -> None:
    catalogue = open_catalogue(settings.model_copy(update={"catalog_uri": network.url}))
    network.down = True
    with pytest.raises(ServiceError, match=r"doesn't answer for bronze\.orders .*run again when it is back\.$"):
        find_table(catalogue, "bronze.orders")


def test_no_catalogue_is_a_sentence_that_names_the_setting() -> None:
    with pytest.raises(SettingError, match=r"^BOATHOUSE_CATALOG_URI is not set"):
        open_catalogue(Settings(_env_file=None))
