"""The SQLMesh project opened on Snowflake, the other warehouse, with state of its own."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from lake.collecting import collect_rarely
from lake.errors import SettingError
from lake.settings import Settings
from lake.snowflake import connection_options, load_connector
from lake.snowflake_errors import LostConnectionError, explained, sentence
from lake.warehouse import PROJECT, forget_writers, read_config

if TYPE_CHECKING:
    from sqlmesh import Context

GATEWAY = "snowflake"
STATE = "state-snowflake.duckdb"
# Models are written for DuckDB; upper case is what Snowflake makes of names that nobody quotes.
DIALECT = "duckdb, normalization_strategy=uppercase"


@contextmanager
def names_in_upper_case() -> Iterator[None]:
    """Keep to the block what SQLMesh sets for the whole process when a project asks for upper-case names.

    It changes sqlglot's dialect itself, and remembers names that it has normalised; a project on DuckDB that is
    opened afterwards would find none of its models.
    """
    from sqlglot.dialects.duckdb import DuckDB
    from sqlmesh.core.dialect import normalize_model_name

    before = DuckDB.NORMALIZATION_STRATEGY
    normalize_model_name.cache_clear()
    try:
        yield
    finally:
        DuckDB.NORMALIZATION_STRATEGY = before
        normalize_model_name.cache_clear()


@contextmanager
def open_snowflake(settings: Settings, project: Path = PROJECT) -> Iterator["Context"]:
    """Open the SQLMesh project on Snowflake, where ``lake.bronze.<table>`` is the lake's own database.

    Raises SettingError for a missing setting, ServiceError without the connector or when Snowflake says no.
    """
    load_connector()
    options = connection_options(settings)

    from sqlmesh import Context
    from sqlmesh.core.config import Config, GatewayConfig
    from sqlmesh.core.config.connection import BaseDuckDBConnectionConfig, SnowflakeConnectionConfig
    from sqlmesh.core.engine_adapter.base import EngineAdapter
    from sqlmesh.core.engine_adapter.snowflake import SnowflakeEngineAdapter

    forget_writers()
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
    config = read_config(project)
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
        with names_in_upper_case(), explained(), collect_rarely():
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
