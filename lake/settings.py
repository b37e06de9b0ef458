"""Every setting, read once from the environment and ``.env`` into one frozen object."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from lake.errors import SettingError

PREFIX = "BOATHOUSE_"


class Settings(BaseSettings):
    """All settings; each is ``BOATHOUSE_<NAME>`` in the environment or in ``.env``.

    An empty value means "not set". Services and sources that are not set are embedded: ``infra.local``
    starts them and hands on a copy of this object with their addresses filled in.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    state_dir: Path = Field(Path(".boathouse"), description="Folder for everything Boathouse keeps on this machine.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("warning", description="Least level logged.")
    log_format: Literal["console", "json"] = Field("console", description="How log lines look.")

    s3_endpoint: str | None = Field(None, description="Object store; embedded SeaweedFS when not set.")
    s3_region: str = Field("us-east-1", description="Region of the object store.")
    s3_access_key: SecretStr | None = Field(None, description="Access key of the object store.")
    s3_secret_key: SecretStr | None = Field(None, description="Secret key of the object store.")
    catalog_type: Literal["rest", "sql", "glue"] = Field("rest", description="Kind of Iceberg catalogue.")
    catalog_uri: str | None = Field(None, description="Iceberg catalogue; embedded with the object store when not set.")
    catalog_warehouse: str = Field("s3://warehouse/", description="Warehouse the catalogue keeps tables in.")
    catalog_properties: dict[str, str] = Field(
        default_factory=dict, description="More pyiceberg catalogue properties, as a JSON object."
    )

    redis_url: SecretStr | None = Field(None, description="Cache and bus; embedded Valkey when not set.")
    bus_url: SecretStr | None = Field(
        None, description="Bus of live events, redis:// or kafka://host:port/topic; redis_url when not set."
    )
    bus_retention: float = Field(72.0, gt=24, description="Hours that events stay on a Redis bus.")

    shopify_shop: str | None = Field(None, description="Shop name, as in <name>.myshopify.com.")
    shopify_client_id: str | None = Field(None, description="Client id of your Shopify app.")
    shopify_client_secret: SecretStr | None = Field(None, description="Client secret of your Shopify app.")
    shopify_access_token: SecretStr | None = Field(None, description="A static Admin API token instead of an app.")
    shopify_api_version: str = Field("2025-10", description="Admin API version, pinned.", pattern=r"^\d{4}-\d{2}$")
    shopify_objects: list[str] = Field(
        default_factory=list, description='Objects to read, as JSON (["orders", "products"]); all when empty.'
    )
    shopify_bulk_from: int = Field(
        500, description="Changed objects from which on an increment is one bulk operation, not pages.", ge=1
    )
    shopify_url: str | None = Field(
        None, description="Base address of the Admin API if not https://<shop>.myshopify.com."
    )

    shopify_webhook_secrets: list[SecretStr] = Field(
        default_factory=list,
        description='Secrets that sign Shopify\'s webhooks, as JSON (["new", "old"]); the client secret when empty.',
    )

    stripe_api_key: SecretStr | None = Field(None, description="Stripe secret or restricted key.")
    stripe_account: str | None = Field(None, description="A connected account (acct_...) to read instead of the key's.")
    stripe_api_version: str = Field("2025-03-31.basil", description="Stripe API version, pinned.")
    stripe_url: str = Field("https://api.stripe.com", description="Base address of Stripe's API.")

    stripe_webhook_secrets: list[SecretStr] = Field(
        default_factory=list, description='Signing secrets of Stripe\'s webhook endpoints, as JSON (["whsec_..."]).'
    )

    postgres_dsn: SecretStr | None = Field(None, description="Source database (needs wal_level=logical).")
    postgres_tables: list[str] = Field(
        default_factory=list,
        description='Tables to follow, as JSON (["shop.*", "-shop.log_*"]); all with a key when empty.',
    )
    postgres_slot: str = Field("boathouse", description="Replication slot.", pattern=r"^[a-z0-9_]{1,63}$")
    postgres_failover: bool = Field(
        True, description="Whether the slot follows a failover of the server (Postgres 17 and later)."
    )
    postgres_publication: str = Field("boathouse", description="Publication.", pattern=r"^[a-z0-9_]{1,63}$")
    postgres_copy_workers: int = Field(
        2, ge=1, le=32, description="Connections over which a table of the database is copied side by side."
    )
    postgres_copy_note_interval: float = Field(
        10.0, ge=0, description="Seconds of copying a table that a crash may cost."
    )
    postgres_flush_interval: float = Field(
        1.0, gt=0, description="Seconds within which `just up` lands a change of the database in bronze."
    )
    postgres_flush_rows: int = Field(
        500_000, ge=1, description="Rows of database changes that are landed in one commit at most."
    )

    debezium_url: SecretStr | None = Field(
        None, description="Debezium's topics, kafka://host:port/pattern, such as kafka://localhost:9092/shop.public.*."
    )
    debezium_properties: dict[str, SecretStr] = Field(
        default_factory=dict, description="More properties of Kafka's client (librdkafka), as a JSON object."
    )
    debezium_placeholder: str = Field(
        "__debezium_unavailable_value", description="Debezium's unavailable.value.placeholder."
    )
    debezium_gaps: Literal["stop", "pass"] = Field(
        "stop", description="What to do when Kafka removed messages that weren't read."
    )

    snowflake_account: str | None = Field(None, description="Snowflake account, as in <organisation>-<account>.")
    snowflake_user: str | None = Field(None, description="Snowflake user that builds the models.")
    snowflake_password: SecretStr | None = Field(None, description="Password of that user, unless it has a key.")
    snowflake_private_key_path: Path | None = Field(None, description="PEM file of that user's private key.")
    snowflake_private_key_passphrase: SecretStr | None = Field(None, description="Passphrase of the private key.")
    snowflake_role: str | None = Field(None, description="Snowflake role; the user's default when not set.")
    snowflake_warehouse: str | None = Field(None, description="Snowflake warehouse; the user's default when not set.")
    snowflake_database: str = Field("BOATHOUSE", description="Database that silver and gold are built in.")
    snowflake_host: str | None = Field(None, description="Host of Snowflake if not <account>.snowflakecomputing.com.")
    snowflake_port: int = Field(443, ge=1, le=65535, description="Port of Snowflake.")
    snowflake_protocol: Literal["https", "http"] = Field("https", description="Protocol to speak with Snowflake.")
    snowflake_connections: int = Field(4, ge=1, description="Models that Snowflake builds at the same time.")
    snowflake_timeout: int = Field(
        900,
        ge=1,
        description="Seconds one statement may take on Snowflake, tries over a lost connection included.",
    )
    snowflake_state_dsn: SecretStr | None = Field(
        None, description="Postgres for the state of the Snowflake gateway; a file in state_dir when not set."
    )

    sandbox_seed: int = Field(1997, description="Seed of what the sandbox shop invents.")
    sandbox_orders: int = Field(0, ge=0, description="Synthetic orders instead of the CDNOW history; 0 is the history.")
    sandbox_busy: int = Field(
        0, ge=0, description="Orders sold after those, with refunds, discounts, taxes, guests and five currencies."
    )
    sandbox_chaos: Path | None = Field(None, description="File with a chaos script that the sandbox shop starts with.")

    server_host: str = Field("127.0.0.1", description="Address the API listens on.")
    server_port: int = Field(8000, ge=1, le=65535, description="Port of the API; the next free one when taken.")
    sandbox_port: int = Field(
        8900, ge=1, le=65535, description="Port of the sandbox shop; the next free one when taken."
    )
    s3_port: int = Field(8333, ge=1, le=65535, description="Port of the embedded S3; the next free one when taken.")
    postgres_port: int = Field(5433, ge=1, le=65535, description="Port of the embedded Postgres; the next free one.")
    redis_port: int = Field(6380, ge=1, le=65535, description="Port of the embedded Valkey; the next free one.")

    webhook_max_body: int = Field(1024 * 1024, gt=0, description="Most bytes that a webhook's body may have.")
    stream_lateness: float = Field(
        10.0, ge=0, description="Seconds that an event may be late before its minute closes; later ones correct it."
    )
    stream_snapshot: float = Field(1.0, ge=0, description="Seconds between two snapshots of the live flow's state.")
    landing_interval: float = Field(5.0, gt=0, description="Seconds between two landings of live events in bronze.")
    landing_rows: int = Field(5000, ge=1, description="Most events in one landing.")
    poll_interval: float = Field(60.0, gt=0, description="Seconds between two pulls under `just up`.")
    failpoint: str = Field("", description="For tests: name:hit:action, see lake/failpoints.py.")

    @property
    def uses_sandbox(self) -> bool:
        """Whether no source of the user's own is set, so that the sandbox shop stands in for all three."""
        return not (self.shopify_shop or self.stripe_api_key or self.postgres_dsn or self.debezium_url)


def load_settings() -> Settings:
    """Read the settings.

    Raises SettingError with one sentence that names the first wrong setting.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = PREFIX + str(first["loc"][0]).upper()
        raise SettingError(f"{name} is wrong: {first['msg']}; see .env.example for what it takes.") from None
    except SettingsError as error:
        field = str(error).split('"')[1]
        raise SettingError(f"{PREFIX}{field.upper()} is wrong: it takes JSON; see .env.example.") from None
    except UnicodeDecodeError:
        raise SettingError("The file .env isn't UTF-8 text; save it as UTF-8.") from None


def silence_telemetry(settings: Settings) -> None:
    """Keep the libraries of this process and its children from reporting home, from writing there, and from logging.

    What dlt logs as an error with a traceback reaches the user as the one sentence of the error it raises.
    """
    os.environ["SQLMESH__DISABLE_ANONYMIZED_ANALYTICS"] = "true"
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ.setdefault("RUNTIME__LOG_LEVEL", "CRITICAL")
    os.environ.setdefault("DLT_DATA_DIR", str(settings.state_dir.absolute() / "dlt"))
