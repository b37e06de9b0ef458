"""DuckDB as a reader of Iceberg: a connection that reaches the object store, and the SQL that reads a pin."""

from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import duckdb

from lake.errors import ServiceError
from lake.pins import Pin
from lake.settings import Settings

EXTENSIONS = ("httpfs", "avro", "iceberg")


def extension_file(name: str) -> Path:
    """Find the file of a DuckDB extension in its wheel ``duckdb-extension-<name>``.

    Raises ServiceError when the wheel holds none for this DuckDB.
    """
    package = Path(str(import_module(f"duckdb_extension_{name}").__file__)).parent
    found = sorted(package.glob(f"extensions/v{duckdb.__version__}/**/{name}.duckdb_extension"))
    if not found:
        raise ServiceError(
            f"The wheel duckdb-extension-{name} has no extension for DuckDB {duckdb.__version__}; "
            "install the version that equals duckdb's."
        )
    return found[0]


def prepare(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Load the extensions and make the S3 secret on ``connection``; nothing is downloaded."""
    connection.execute("SET autoinstall_known_extensions = false")
    for name in EXTENSIONS:
        connection.load_extension(str(extension_file(name)))
    secret = secret_sql(settings)
    if secret:
        connection.execute(secret)


def secret_sql(settings: Settings) -> str:
    """Write the CREATE SECRET that lets DuckDB read the object store; empty without keys."""
    if not (settings.s3_access_key and settings.s3_secret_key):
        return ""
    parts = {
        "TYPE": "s3",
        "KEY_ID": quoted(settings.s3_access_key.get_secret_value()),
        "SECRET": quoted(settings.s3_secret_key.get_secret_value()),
        "REGION": quoted(settings.s3_region),
    }
    if settings.s3_endpoint:
        endpoint = urlsplit(settings.s3_endpoint)
        parts |= {
            "ENDPOINT": quoted(endpoint.netloc),
            "URL_STYLE": "'path'",
            "USE_SSL": str(endpoint.scheme == "https").lower(),
        }
    return f"CREATE OR REPLACE SECRET lake ({', '.join(f'{key} {value}' for key, value in parts.items())})"


def connect(settings: Settings) -> duckdb.DuckDBPyConnection:
    """Open an in-memory DuckDB that can read the lake's Iceberg tables."""
    connection = duckdb.connect()
    prepare(connection, settings)
    return connection


def scan(pin: Pin) -> str:
    """Write the table expression that reads exactly the pinned snapshot."""
    return f"iceberg_scan({quoted(pin.metadata_location)}, snapshot_from_id={pin.snapshot_id})"


def quoted(text: str) -> str:
    """Write a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
