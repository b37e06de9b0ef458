import os
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from pydantic import SecretStr

from infra import local
from lake.catalogue import ensure_namespaces, open_catalogue
from lake.errors import SourceError
from lake.settings import Settings
from pipelines.postgres import IcebergBronze, pull
from pipelines.postgres.servers import SERVER
from tests.streams.conftest import make_warehouse


def run(live: Settings, *statements: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(local.admin_dsn(live), autocommit=True) as connection:
        for statement in statements:
            found = connection.execute(statement.encode())
        return found.fetchall() if found.description else []


def test_a_promoted_server_goes_on_unless_it_lacks_what_bronze_has(settings: Settings, tmp_path: Path) -> None:
    # Only Postgres is started anew; the other services are the session's own.
    there = {name: getattr(settings, name) for name in ("s3_endpoint", "s3_access_key", "s3_secret_key")}
    there |= {"catalog_uri": settings.catalog_uri, "redis_url": settings.redis_url}
    name = f"lake-{uuid4().hex[:12]}"
    make_warehouse(settings, name)
    plain = Settings(_env_file=None, state_dir=tmp_path / "state", catalog_warehouse=f"s3://{name}/", **there)
    catalogue = open_catalogue(plain)
    ensure_namespaces(catalogue)

    def load(live: Settings) -> int:
        source = live.model_copy(update={"postgres_dsn": SecretStr(local.admin_dsn(live))})
        return sum(pull(source, IcebergBronze(catalogue)).rows.values())

    try:
        with local.running(plain) as live:
            run(live, "CREATE TABLE stock (sku text PRIMARY KEY)", "INSERT INTO stock VALUES ('a')")
            assert load(live) == 1
            [(folder,)] = run(live, "SHOW data_directory")
        signal = Path(folder) / "standby.signal"
        signal.touch()
        owner = (Path(folder) / "PG_VERSION").stat()
        os.chown(signal, owner.st_uid, owner.st_gid)
        with local.running(plain) as live:
            assert run(live, "SELECT pg_is_in_recovery()") == [(True,)]
            run(live, "SELECT pg_promote()", "INSERT INTO stock VALUES ('b')")
            assert load(live) == 1
            table = catalogue.load_table("bronze.pg_public_stock")
            assert '"timeline": 2' in table.properties[SERVER]
            # As if all of this had been read before the promotion, and the standby had lacked it.
            with table.transaction() as change:
                change.set_properties({SERVER: table.properties[SERVER].replace('"timeline": 2', '"timeline": 1')})
            with pytest.raises(SourceError, match=r"promoted from a standby .* only up to .*resync --all"):
                load(live)
    finally:
        local.remove_all(plain)
