"""A connection to Snowflake, made of the settings, by Snowflake's own connector."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lake.errors import ServiceError, SettingError
from lake.settings import Settings
from lake.snowflake_errors import explained, sentence

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
    connector = load_connector()
    with explained():
        connection = connector.connect(**connection_options(settings))
        try:
            yield connection
        finally:
            connection.close()


def load_connector() -> Any:
    """Import the connector and give it. Raises ServiceError, saying what to install, when it isn't there."""
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
