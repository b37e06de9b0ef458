"""A server that encrypts, with a certificate that is right and with one that has expired."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr

from lake.errors import SourceError
from lake.settings import Settings
from tests.pipelines.postgres.conftest import Landed, Source
from tests.pipelines.postgres.encryption import encrypted
from tests.pipelines.postgres.test_streaming import following, ids


@pytest.fixture
def table(source: Source) -> Source:
    source.run("CREATE TABLE a (id integer PRIMARY KEY, v integer)", "INSERT INTO a VALUES (1, 1)")
    return source


@contextmanager
def checked(source: Source, folder: Path, expires: datetime) -> Iterator[Settings]:
    """Settings with which the server's certificate, that ``expires``, is checked."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made = authority.issue_cert("127.0.0.1", not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=expires)
    made.configure_cert(context)
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    assert source.settings.postgres_dsn is not None
    dsn = source.settings.postgres_dsn.get_secret_value()
    with encrypted(int(str(conninfo_to_dict(dsn)["port"])), context) as port:
        dsn = make_conninfo(dsn, port=port, sslmode="verify-full", sslrootcert=str(folder / "authority.pem"))
        yield source.settings.model_copy(update={"postgres_dsn": SecretStr(dsn)})


def test_changes_are_copied_peeked_and_streamed_over_tls(table: Source, landed: Landed, tmp_path: Path) -> None:
    with checked(table, tmp_path, datetime(2200, 1, 1, tzinfo=UTC)) as settings:
        assert landed.load(settings) == 1
        table.run("INSERT INTO a SELECT n, n FROM generate_series(2, 500) n")
        assert landed.load(settings) == 499
        with following(table._replace(settings=settings), landed) as found:
            for number in range(501, 504):
                table.run(f"INSERT INTO a VALUES ({number}, 1)")
                found.until(lambda number=number: ids(landed)[-1] == number)  # type: ignore[misc]
    assert ids(landed) == list(range(1, 504))
    assert landed.load() == 0


def test_a_certificate_that_has_expired_says_what_to_renew(table: Source, landed: Landed, tmp_path: Path) -> None:
    with (
        checked(table, tmp_path, datetime(2021, 1, 1, tzinfo=UTC)) as settings,
        pytest.raises(SourceError, match=r"certificate has expired; renew it, .*sslrootcert"),
    ):
        landed.load(settings)
