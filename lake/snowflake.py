"""Snowflake as the other warehouse: the SQLMesh project opened on it, with state of its own."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import yaml

from lake.errors import ServiceError, SettingError
from lake.settings import Settings
from lake.snowflake_errors import LostConnectionError, explained, sentence
from lake.warehouse import PROJECT

if TYPE_CHECKING:
    from sqlmesh import Context

GATEWAY = "snowflake"
STATE = "state-snowflake.duckdb"
# Models are written for DuckDB; upper case is what Snowflake makes of names that nobody quotes.
DIALECT = "duckdb, normalization_strategy=uppercase"
LOGIN_SECONDS = 60
SESSION = {"QUERY_TAG": "boathouse", "TIMEZONE": "UTC", "CLIENT_TELEMETRY_ENABLED": False}


def connection_options(settings: Settings) -> dict[str, Any]:
    """Give what ``snowflake.connector.connect`` takes, out of the settings.

    Raises SettingError, naming the setting, when the account, the user, or password and key are missing, or
    both are there, or the key can't be read.
    """
    given = {"ACCOUNT": settings.snowflake_account, "USER": settings.snowflake_user}
    for name, value in given.items():
        if not value:
            raise SettingError(f"BOATHOUSE_SNOWFLAKE_{name} is not set; see docs/snowflake.md for what it takes.")
    options = {
        "account": settings.snowflake_account,
        "user": settings.snowflake_user,
        "role": settings.snowflake_role,
        "warehouse": settings.snowflake_warehouse,
        "database": settings.snowflake_database,
        "host": settings.snowflake_host,
        "port": settings.snowflake_port if settings.snowflake_host else None,
        "protocol": settings.snowflake_protocol if settings.snowflake_host else None,
        "login_timeout": min(LOGIN_SECONDS, settings.snowflake_timeout),
        "network_timeout": settings.snowflake_timeout,
        "session_parameters": SESSION,
        **_credentials(settings),
    }
    return {name: value for name, value in options.items() if value is not None}


def _credentials(settings: Settings) -> dict[str, Any]:
    """Give the password, or the private key as DER."""
    password, path = settings.snowflake_password, settings.snowflake_private_key_path
    if bool(password) == bool(path):
        raise SettingError(
            "Set one of BOATHOUSE_SNOWFLAKE_PASSWORD and BOATHOUSE_SNOWFLAKE_PRIVATE_KEY_PATH, and not both."
        )
    if password:
        return {"password": password.get_secret_value()}
    assert path is not None
    return {"private_key": read_key(path, settings), "authenticator": "SNOWFLAKE_JWT"}


def read_key(path: Path, settings: Settings) -> bytes:
    """Read a PEM private key into unencrypted PKCS 8 DER. Raises SettingError when it is none or stays locked."""
    from cryptography.hazmat.primitives import serialization

    phrase = settings.snowflake_private_key_passphrase
    try:
        key = serialization.load_pem_private_key(
            path.expanduser().read_bytes(), phrase.get_secret_value().encode() if phrase else None
        )
    except OSError as error:
        raise SettingError(
            f"The file that BOATHOUSE_SNOWFLAKE_PRIVATE_KEY_PATH names can't be read: {error.strerror}; correct it."
        ) from None
    except (ValueError, TypeError):
        raise SettingError(
            "BOATHOUSE_SNOWFLAKE_PRIVATE_KEY_PATH names no private key that "
            "BOATHOUSE_SNOWFLAKE_PRIVATE_KEY_PASSPHRASE opens; see docs/snowflake.md for making one."
        ) from None
    return bytes(
        key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


@contextmanager
def connected(settings: Settings) -> Iterator[Any]:
    """Open one connection of Snowflake's own connector, closed at the end. Raises BoathouseError."""
    connector = _connector()
    with explained():
        connection = connector.connect(**connection_options(settings))
        try:
            yield connection
        finally:
            connection.close()


def _connector() -> Any:
    try:
        import snowflake.connector  # Its import takes a second.
    except ImportError:
        raise ServiceError(
            "Snowflake's connector isn't installed; run `uv sync --extra snowflake`, or put --extra snowflake after "
            "`uv run`."
        ) from None
    _silence_timers()
    return snowflake.connector


def _silence_timers() -> None:
    """Keep the connector's timers from printing a traceback when they can't cancel a statement that is lost."""
    before = threading.excepthook
    if getattr(before, "silent", False):
        return

    def silent(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is None or sentence(args.exc_value) is None:
            before(args)

    silent.silent = True  # type: ignore[attr-defined]
    threading.excepthook = silent


@contextmanager
def open_snowflake(settings: Settings, project: Path = PROJECT) -> Iterator["Context"]:
    """Open the SQLMesh project on Snowflake, where ``lake.bronze.<table>`` is the lake's own database.

    Raises SettingError for a missing setting, ServiceError without the connector or when Snowflake says no.
    """
    _connector()
    options = connection_options(settings)

    from sqlmesh import Context
    from sqlmesh.core.config import Config, GatewayConfig
    from sqlmesh.core.config.connection import BaseDuckDBConnectionConfig, SnowflakeConnectionConfig
    from sqlmesh.core.engine_adapter.base import EngineAdapter
    from sqlmesh.core.engine_adapter.snowflake import SnowflakeEngineAdapter

    lost: list[LostConnectionError] = []

    class Adapter(SnowflakeEngineAdapter):
        """SQLMesh's adapter, which gives up with the first lost connection, and sends seeds as rows.

        SQLMesh would try every other model on the dead connection, and send seeds in a dozen statements.
        """

        def _execute(self, *args: Any, **options: Any) -> None:
            if lost:
                raise lost[0]
            try:
                super()._execute(*args, **options)
            except Exception as error:
                if isinstance(known := sentence(error), LostConnectionError):
                    lost.append(known)
                    raise known from error
                raise

        @contextmanager
        def transaction(self, condition: bool | None = None) -> Iterator[None]:
            if lost:
                raise lost[0]
            with super().transaction(condition):
                yield

        def _df_to_source_queries(self, *args: Any, **options: Any) -> Any:
            return EngineAdapter._df_to_source_queries(self, *args, **options)

    class Snowflake(SnowflakeConnectionConfig):
        """Snowflake's connection with every option of ours, also those that SQLMesh doesn't know."""

        @property
        def _static_connection_kwargs(self) -> dict[str, Any]:
            return {**super()._static_connection_kwargs, **options}

        @property
        def _engine_adapter(self) -> type[EngineAdapter]:
            return Adapter

    known = ("account", "user", "password", "private_key", "authenticator", "role", "warehouse", "database")
    state, file = _state(settings)
    config = yaml.safe_load((project / "config.yaml").read_text(encoding="utf-8"))
    config["gateways"] = {
        GATEWAY: GatewayConfig(
            connection=Snowflake(
                concurrent_tasks=settings.snowflake_connections,
                **{name: options[name] for name in known if name in options},
            ),
            state_connection=state,
        )
    }
    config["default_gateway"] = GATEWAY
    config["physical_schema_mapping"] = {f"(?i)^{name}$": f"SQLMESH__{name.upper()}" for name in ("silver", "gold")}
    config["model_defaults"]["dialect"] = DIALECT
    cache = settings.state_dir / "sqlmesh-cache-snowflake"
    if file and not Path(file).exists():  # What is cached of models belongs to the state that is gone.
        shutil.rmtree(cache, ignore_errors=True)
    config["cache_dir"] = str(cache.resolve())
    context = None
    try:
        with explained():
            context = Context(paths=[str(project)], config=Config(**config))
            yield context
    finally:
        if context is not None:
            context.close()
        adapter = BaseDuckDBConnectionConfig._data_file_to_adapter.pop(file, None)
        if adapter is not None:
            adapter.close()


def _state(settings: Settings) -> tuple[Any, str]:
    """Say where SQLMesh keeps what it knows of Snowflake: a Postgres, or a file (whose name is given too)."""
    from sqlmesh.core.config.connection import DuckDBConnectionConfig, PostgresConnectionConfig

    if settings.snowflake_state_dsn is None:
        settings.state_dir.mkdir(parents=True, exist_ok=True)
        file = str(settings.state_dir / STATE)
        return DuckDBConnectionConfig(database=file), file
    dsn = urlsplit(settings.snowflake_state_dsn.get_secret_value())
    try:
        import psycopg2  # type: ignore[import-untyped]  # noqa: F401
    except ImportError:
        raise SettingError(
            "BOATHOUSE_SNOWFLAKE_STATE_DSN needs the package psycopg2-binary; install it, or leave the setting empty."
        ) from None
    return PostgresConnectionConfig(
        host=dsn.hostname or "localhost",
        port=dsn.port or 5432,
        user=unquote(dsn.username or ""),
        password=unquote(dsn.password or ""),
        database=dsn.path.lstrip("/"),
    ), ""
