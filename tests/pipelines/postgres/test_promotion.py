"""A server that goes, and its standby that takes its place with the slot."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from pydantic import SecretStr
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from lake.catalogue import ensure_namespaces, open_catalogue
from lake.errors import SourceError
from lake.settings import Settings
from pipelines.postgres import IcebergBronze, pull
from pipelines.postgres.api import lsn_to_int
from pipelines.postgres.servers import SERVER
from tests.chaos.servers import EMBEDDED, Server, running, standing_by
from tests.streams.conftest import make_warehouse

STOCK = "SELECT sku FROM stock"


def run(server: Server, *statements: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.dsn, autocommit=True) as connection:
        for statement in statements:
            found = connection.execute(statement.encode())
        return found.fetchall() if found.description else []


@retry(stop=stop_after_delay(60), wait=wait_fixed(0.3), retry=retry_if_result(lambda there: not there))
def has_the_slot(primary: Server, standby: Server, load: Callable[[Server], int]) -> bool:
    """Tell whether the standby has the slot, and as far as the primary; it takes it over when that has moved on."""
    run(primary, "SELECT pg_log_standby_snapshot()", "INSERT INTO stock SELECT 'b' || count(*) FROM stock")
    load(primary)
    return bool(wait_for_slot(primary, standby))


@retry(
    stop=stop_after_delay(2),
    wait=wait_fixed(0.1),
    retry=retry_if_result(lambda there: not there),
    retry_error_callback=lambda _: False,
)
def wait_for_slot(primary: Server, standby: Server) -> bool:
    query = "SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = 'boathouse' AND NOT temporary"
    return run(standby, query) == run(primary, query)


@retry(stop=stop_after_delay(60), wait=wait_fixed(0.1), retry=retry_if_result(lambda there: not there))
def has_the_log(primary: Server, standby: Server) -> bool:
    [(end,)] = run(primary, "SELECT pg_current_wal_lsn()::text")
    [(replayed,)] = run(standby, "SELECT pg_last_wal_replay_lsn()::text")
    return lsn_to_int(replayed) >= lsn_to_int(end)


def test_a_standby_that_is_promoted_goes_on_unless_it_lacks_what_bronze_has(settings: Settings, tmp_path: Path) -> None:
    name = f"lake-{uuid4().hex[:12]}"
    make_warehouse(settings, name)
    plain = settings.model_copy(update={"catalog_warehouse": f"s3://{name}/", "state_dir": tmp_path / "state"})
    catalogue = open_catalogue(plain)
    ensure_namespaces(catalogue)

    def load(server: Server) -> int:
        source = plain.model_copy(update={"postgres_dsn": SecretStr(server.dsn)})
        return sum(pull(source, IcebergBronze(catalogue)).rows.values())

    with running(EMBEDDED, tmp_path) as primary, standing_by(primary, tmp_path) as standby:
        run(primary, "CREATE TABLE stock (sku text PRIMARY KEY)", "INSERT INTO stock VALUES ('a')")
        assert load(primary) == 1
        has_the_slot(primary, standby, load)
        run(primary, "INSERT INTO stock VALUES ('c')")
        has_the_log(primary, standby)
        primary.end(signal.SIGKILL)
        run(standby, "SELECT pg_promote()", "INSERT INTO stock VALUES ('d')")
        assert load(standby) == 2
        table = catalogue.load_table("bronze.pg_public_stock")
        assert sorted(table.scan().to_arrow()["sku"].to_pylist()) == sorted(sku for (sku,) in run(standby, STOCK))
        assert '"timeline": 2' in table.properties[SERVER]
        # As if all of this had been read before the promotion, and the standby had lacked it.
        with table.transaction() as change:
            change.set_properties({SERVER: table.properties[SERVER].replace('"timeline": 2', '"timeline": 1')})
        with pytest.raises(SourceError, match=r"promoted from a standby .* only up to .*resync --all"):
            load(standby)
