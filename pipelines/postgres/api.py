"""The wire to a Postgres source: connections, log positions, and the server's errors in our words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from lake.errors import BoathouseError, CredentialsError, SettingError, SourceError, UnreachableError
from lake.settings import Settings
from pipelines.postgres.certificates import why_refused

Connection = psycopg.Connection[tuple[object, ...]]

# What the text of every type is written with, so that the same value is always the same text, whichever connection
# tells it and whatever the role or the database is set to. Rows that row security hides are refused, not left out.
SESSION = """
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'iso_8601'; SET bytea_output = 'hex';
SET extra_float_digits = 1; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;
SET idle_session_timeout = 0; SET row_security = off; SET search_path = pg_catalog;
SELECT set_config(name, '0', false) FROM pg_settings WHERE name = 'transaction_timeout'
"""
REFUSED = re.compile(r"authentication failed|no password supplied|pg_hba\.conf|role .* does not exist")


@contextmanager
def connect(settings: Settings, *, replication: bool = False) -> Iterator[Connection]:
    """Open a connection with autocommit, as a walsender bound to the database when ``replication``.

    Raises SettingError without a usable DSN, CredentialsError when the server refuses the role or the
    password, SourceError when it can't be reached or fails later, always with the server's own words.
    """
    dsn = _dsn(settings)
    more = {"replication": "database"} if replication else {}
    with _in_our_words(dsn):
        connection = psycopg.connect(
            dsn,
            autocommit=True,
            client_encoding="utf8",
            application_name="boathouse",
            prepare_threshold=None,
            **more,  # type: ignore[arg-type]
        )
        with connection:
            connection.execute(SESSION)
            yield connection


def lsn_to_int(text: str) -> int:
    """Turn ``16/B374D848`` into the position in bytes."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def lsn_to_text(position: int) -> str:
    """Turn a position in bytes into ``16/B374D848``."""
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def current_lsn(connection: Connection) -> int:
    """Ask how far the log is on disk: decoding reads no further (pg_logical_slot_peek_changes)."""
    return lsn_to_int(str(fetch_one(connection, "SELECT pg_current_wal_flush_lsn()::text")[0]))


def fetch_one(connection: Connection, query: str, parameters: tuple[object, ...] = ()) -> tuple[object, ...]:
    """Run a query that has exactly one row."""
    row = connection.execute(query, parameters).fetchone()
    if row is None:
        raise SourceError(f"Postgres gave no answer to a question that has one: {' '.join(query.split())}.")
    return row


def _dsn(settings: Settings) -> str:
    if settings.postgres_dsn is None:
        raise SettingError("BOATHOUSE_POSTGRES_DSN is not set; it takes postgresql://user:password@host/database.")
    return settings.postgres_dsn.get_secret_value()


@contextmanager
def _in_our_words(dsn: str) -> Iterator[None]:
    try:
        yield
    except psycopg.ProgrammingError as error:
        if error.sqlstate is None:
            raise SettingError(
                "BOATHOUSE_POSTGRES_DSN can't be read; it takes postgresql://user:password@host/database."
            ) from None
        raise _translated(error, dsn) from error
    except psycopg.Error as error:
        raise _translated(error, dsn) from error


def _translated(error: psycopg.Error, dsn: str) -> BoathouseError:
    said = error.diag.message_primary or str(error).strip().rpartition("FATAL:")[2]
    said = _without_secret(" ".join(said.split()), dsn)
    if isinstance(error, errors.ObjectInUse):
        return UnreachableError(
            f"Postgres says: {said}; stop the other reader, or set BOATHOUSE_POSTGRES_SLOT to another name."
        )
    if isinstance(error, errors.InvalidAuthorizationSpecification | errors.InsufficientPrivilege) or REFUSED.search(
        said
    ):
        return CredentialsError(f"Postgres refused: {said}; see BOATHOUSE_POSTGRES_DSN.")
    if "certificate" in said:
        if why := why_refused(dsn):
            said = f"{said}: {why}"
        return SourceError(
            f"The TLS certificate of the Postgres server, or ours, isn't accepted: {said}; renew it, or name the right "
            "one in BOATHOUSE_POSTGRES_DSN (sslrootcert, sslcert)."
        )
    if isinstance(error, psycopg.OperationalError):
        return UnreachableError(
            f"Postgres failed or can't be reached: {said}; see BOATHOUSE_POSTGRES_DSN, then run again."
        )
    return SourceError(f"Postgres refused a statement: {said}.")


def _without_secret(text: str, dsn: str) -> str:
    try:
        password = psycopg.conninfo.conninfo_to_dict(dsn).get("password")
    except psycopg.ProgrammingError:
        return "the connection string can't be read"
    return text.replace(str(password), "***") if password else text
