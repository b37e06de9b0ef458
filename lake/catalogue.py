"""The Iceberg catalogue: how it is opened, and how a table comes to be."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from hashlib import md5
from pathlib import Path

import pyarrow as pa
from pyiceberg.catalog import Catalog, load_catalog
from pyiceberg.exceptions import (
    CommitFailedException,
    ForbiddenError,
    NamespaceAlreadyExistsError,
    NoSuchNamespaceError,
    NoSuchTableError,
    RESTError,
    TableAlreadyExistsError,
    UnauthorizedError,
    ValidationError,
)
from pyiceberg.io.pyarrow import _pyarrow_to_schema_without_ids
from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionField, PartitionSpec
from pyiceberg.schema import assign_fresh_schema_ids
from pyiceberg.table import Table
from pyiceberg.transforms import DayTransform
from requests.exceptions import RequestException
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from lake.errors import CommitError, ServiceError, SettingError
from lake.settings import Settings

NAMESPACES = ("bronze", "gold", "ops")
TABLE_PROPERTIES = {
    "commit.retry.num-retries": "0",  # lake/commits.py tries again by itself, and looks before it does
    "write.parquet.compression-codec": "zstd",
    "write.parquet.compression-level": "1",
    # A column of many different values fills its dictionary soon and is written plainly from there: with the default of
    # 2 MiB a row of a dozen columns took twice as long to write, and zstd made its file no smaller.
    "write.parquet.dict-size-bytes": str(64 * 1024),
    "write.target-file-size-bytes": str(256 * 1024 * 1024),
    "write.metadata.previous-versions-max": "1000",
}


def catalogue_properties(settings: Settings) -> dict[str, str]:
    """Give pyiceberg's properties for the catalogue that the settings name.

    The embedded catalogue is SeaweedFS's, which takes requests signed with SigV4 for the name
    ``s3tables``. ``catalog_properties`` override everything.
    """
    access, secret = settings.s3_access_key, settings.s3_secret_key
    properties = {
        "type": settings.catalog_type,
        "warehouse": settings.catalog_warehouse,
        "s3.region": settings.s3_region,
        "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO",
    }
    if settings.catalog_uri:
        properties["uri"] = settings.catalog_uri
    if settings.s3_endpoint:
        properties["s3.endpoint"] = settings.s3_endpoint
    if access and secret:
        properties["s3.access-key-id"] = access.get_secret_value()
        properties["s3.secret-access-key"] = secret.get_secret_value()
    if settings.catalog_type == "rest" and access and secret:
        properties |= {
            "rest.sigv4-enabled": "true",
            "rest.signing-name": "s3tables",
            "rest.signing-region": settings.s3_region,
            "client.access-key-id": access.get_secret_value(),
            "client.secret-access-key": secret.get_secret_value(),
            "client.region": settings.s3_region,
        }
    return properties | settings.catalog_properties


def open_catalogue(settings: Settings) -> Catalog:
    """Open the catalogue, once for each set of properties.

    Raises SettingError when no catalogue is named and ServiceError when it doesn't answer.
    """
    properties = catalogue_properties(settings)
    if settings.catalog_type != "glue" and "uri" not in properties:
        raise SettingError(
            "BOATHOUSE_CATALOG_URI is not set and no embedded catalogue runs; set it, or start one with `just up`."
        )
    return _open(tuple(sorted(properties.items())))


@lru_cache(maxsize=8)
def _open(properties: tuple[tuple[str, str], ...]) -> Catalog:
    named = dict(properties)
    try:
        return load_catalog("lake", **named)
    except (UnauthorizedError, ForbiddenError) as error:
        raise ServiceError(
            f"The Iceberg catalogue at {named.get('uri', 'Glue')} refused the keys: {error}; "
            "check BOATHOUSE_S3_ACCESS_KEY and BOATHOUSE_S3_SECRET_KEY."
        ) from error
    except (RequestException, RESTError, OSError) as error:
        raise ServiceError(
            f"The Iceberg catalogue at {named.get('uri', 'Glue')} doesn't answer ({type(error).__name__}); "
            "check BOATHOUSE_CATALOG_URI and that it runs."
        ) from error


def find_table(catalogue: Catalog, name: str) -> Table | None:
    """Load the table ``namespace.table``, or None when it doesn't exist.

    Raises ServiceError when the catalogue doesn't answer.
    """
    try:
        return catalogue.load_table(name)
    except NoSuchTableError:
        return None
    except (RequestException, RESTError) as error:
        raise ServiceError(
            f"The Iceberg catalogue doesn't answer for {name} ({type(error).__name__}); run again when it is back."
        ) from error


def tables_in(catalogue: Catalog, namespace: str) -> list[str]:
    """Name the tables of a namespace, without it; none when it doesn't exist.

    Raises ServiceError when the catalogue doesn't answer, or refuses, as it does when the clock here is far off.
    """
    try:
        return [identifier[-1] for identifier in catalogue.list_tables(namespace)]
    except NoSuchNamespaceError:
        return []
    except (RequestException, RESTError) as error:
        raise ServiceError(
            f"The Iceberg catalogue doesn't tell what {namespace} holds ({type(error).__name__}: {error}); "
            "run again when it does."
        ) from error


def ensure_table(catalogue: Catalog, name: str, schema: pa.Schema, partition_day: str | None = None) -> Table:
    """Load the table ``namespace.table``, made with ``schema`` if it doesn't exist.

    ``partition_day`` names a timestamp column whose day partitions a new table. An existing table gains
    the columns that ``schema`` has and it hasn't, and widens where Iceberg allows it. Raises CommitError when
    the two don't go together.
    """
    table = find_table(catalogue, name)
    if table is None:
        with _alone(catalogue):
            table = find_table(catalogue, name)
            if table is None:
                return _create(catalogue, name, schema, partition_day)
    return widen(table, schema)


def ensure_namespaces(catalogue: Catalog) -> None:
    """Make the lake's namespaces, one after the other: SeaweedFS can fail when two writers make one at once."""
    there = {name[-1] for name in catalogue.list_namespaces()}
    for name in NAMESPACES:
        if name not in there:
            with suppress(NamespaceAlreadyExistsError):
                catalogue.create_namespace(name)


@retry(
    stop=stop_after_attempt(10),
    wait=wait_exponential_jitter(multiplier=0.05, max=2, jitter=0.1),
    retry=retry_if_exception_type(CommitFailedException),
    reraise=True,
)
def widen(table: Table, schema: pa.Schema) -> Table:
    """Give the table the columns of ``schema`` that it hasn't, and wider types.

    When another writer was faster, look at what it left and try again. Raises CommitError when the two don't go
    together.
    """
    try:
        with table.update_schema() as update:
            update.union_by_name(schema)
    except CommitFailedException:
        table.refresh()
        raise
    except ValidationError as error:
        raise CommitError(f"{'.'.join(table.name())} can't take the columns of these rows: {error}.") from error
    return table


@contextmanager
def _alone(catalogue: Catalog) -> Iterator[None]:
    """Keep every other process of this machine from making tables: SeaweedFS gives two at once a table each."""
    place = str(catalogue.properties.get("uri", catalogue.name))
    name = f"boathouse-{os.getuid()}-{md5(place.encode(), usedforsecurity=False).hexdigest()[:12]}.lock"
    with (Path(tempfile.gettempdir()) / name).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _create(catalogue: Catalog, name: str, schema: pa.Schema, partition_day: str | None) -> Table:
    namespace = name.rsplit(".", 1)[0]
    if not catalogue.namespace_exists(namespace):
        with suppress(NamespaceAlreadyExistsError):
            catalogue.create_namespace(namespace)
    columns = assign_fresh_schema_ids(_pyarrow_to_schema_without_ids(schema))
    spec = UNPARTITIONED_PARTITION_SPEC
    if partition_day is not None:
        column = columns.find_field(partition_day).field_id
        spec = PartitionSpec(PartitionField(column, 1000, DayTransform(), f"{partition_day}_day"))
    try:
        return catalogue.create_table(name, columns, partition_spec=spec, properties=TABLE_PROPERTIES)
    except TableAlreadyExistsError:
        return catalogue.load_table(name)
