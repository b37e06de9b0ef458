from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from psycopg.conninfo import make_conninfo
from pydantic import SecretStr

from infra import local
from infra.local import postgres as embedded
from lake.errors import CredentialsError, SettingError, SourceError, UnreachableError
from lake.proofs import order_free_hash
from lake.settings import Settings
from pipelines.postgres import bronze_tables, slots
from pipelines.postgres.slots import exported_slot
from tests.pipelines.postgres.conftest import Landed, Source


@pytest.fixture
def shop(source: Source) -> Source:
    source.run("CREATE SCHEMA shop", "CREATE TABLE shop.stock (sku text PRIMARY KEY, on_hand integer)")
    source.run("INSERT INTO shop.stock VALUES ('a', 1), ('b', NULL)")
    return source


def test_the_first_load_holds_every_row_and_a_claim_of_the_source(shop: Source, landed: Landed) -> None:
    assert landed.load() == 2
    first, second = landed.tables["pg_shop_stock"]
    assert (first["_op"], first["_ordinal"], first["_xid"]) == ("r", 0, None)
    assert (second["sku"], second["on_hand"], second["_ordinal"], second["_unchanged"]) == ("b", None, 1, [])
    mark = landed.marks["pg_shop_stock"]
    assert (mark.claim_count, mark.said_by) == (2, "count(*) under the exported snapshot")
    versions = [f"{row['_commit_lsn']}\x1f{row['_ordinal']}" for row in (first, second)]
    assert mark.claim_hash == order_free_hash(pa.array(["a", "b"]), pa.array(versions))


def test_nothing_is_written_into_the_sources_schemas(shop: Source, landed: Landed) -> None:
    query = (
        "SELECT oid FROM pg_class WHERE oid >= 16384 UNION ALL SELECT oid FROM pg_proc WHERE oid >= 16384 ORDER BY 1"
    )
    before = shop.rows(query)
    landed.load()
    shop.run("INSERT INTO shop.stock VALUES ('c', 3)")
    landed.load()
    assert shop.rows(query) == before


def test_an_empty_table_has_a_mark_and_is_not_copied_again(shop: Source, landed: Landed) -> None:
    shop.run("CREATE TABLE shop.empty (id integer PRIMARY KEY)")
    landed.load()
    assert landed.marks["pg_shop_empty"].claim_count == 0
    shop.run("INSERT INTO shop.empty VALUES (1)")
    assert landed.load() == 1
    assert [row["_op"] for row in landed.tables["pg_shop_empty"]] == ["c"]


def test_a_snapshot_whose_connection_was_ended_is_taken_anew(
    shop: Source, landed: Landed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def end_walsender(name: str) -> None:
        if name == "postgres.slot_created":
            shop.run(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND backend_type = 'walsender'"
            )

    with monkeypatch.context() as patch:
        patch.setattr(slots, "reached", end_walsender)
        with pytest.raises(UnreachableError, match="ended the connection that held the snapshot"):
            landed.load()
    assert landed.load() == 2


def test_a_slot_that_is_gone_stops_with_its_name_and_the_way_out(shop: Source, landed: Landed) -> None:
    landed.load()
    name = shop.settings.postgres_slot
    shop.run(f"SELECT pg_drop_replication_slot('{name}')")
    with pytest.raises(
        SourceError, match=rf"slot '{name}' that bronze\.pg_shop_stock .* is gone; .*`boathouse postgres resync --all`"
    ):
        landed.load()


def test_a_slot_created_anew_stops_instead_of_going_on_after_the_gap(shop: Source, landed: Landed) -> None:
    landed.load()
    name = shop.settings.postgres_slot
    shop.run(f"SELECT pg_drop_replication_slot('{name}')", "INSERT INTO shop.stock VALUES ('c', 3)")
    shop.run(f"SELECT pg_create_logical_replication_slot('{name}', 'pgoutput')")
    with pytest.raises(SourceError, match=rf"slot '{name}' was created anew or moved on"):
        landed.load()


def test_a_slot_that_somebody_else_reads_is_left_alone(shop: Source, landed: Landed) -> None:
    landed.load()
    name = shop.settings.postgres_slot
    dsn = shop.settings.postgres_dsn
    assert dsn is not None
    reader = psycopg.connect(dsn.get_secret_value(), replication="database", autocommit=True)
    try:
        command = f"START_REPLICATION SLOT {name} LOGICAL 0/0 (proto_version '1', publication_names '{name}')"
        reader.pgconn.exec_(command.encode())
        with pytest.raises(SourceError, match=rf"slot '{name}' is being read by the server process \d+"):
            landed.load()
    finally:
        shop.run(f"SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE slot_name = '{name}'")
        reader.close()


def test_a_slot_of_another_plugin_is_left_alone(shop: Source, landed: Landed) -> None:
    name = shop.settings.postgres_slot
    shop.run(f"SELECT pg_create_logical_replication_slot('{name}', 'test_decoding')")
    with pytest.raises(SourceError, match="belongs to something else"):
        landed.load()


def test_a_table_that_is_not_there_is_named(shop: Source) -> None:
    wrong = shop.settings.model_copy(update={"postgres_tables": ["shop.stok"]})
    with pytest.raises(SourceError, match=r"no table 'shop\.stok'"):
        bronze_tables(wrong)


def test_a_table_without_a_key_is_named_and_is_left_out_by_default(shop: Source) -> None:
    shop.run("CREATE TABLE shop.log (line text)")
    assert bronze_tables(shop.settings) == ["pg_shop_stock"]
    wrong = shop.settings.model_copy(update={"postgres_tables": ["shop.log"]})
    with pytest.raises(SourceError, match=r'shop\.log has no key.*ALTER TABLE "shop"\."log" ADD PRIMARY KEY'):
        bronze_tables(wrong)


def test_a_publication_that_leaves_out_changes_is_refused(shop: Source, landed: Landed) -> None:
    name = shop.settings.postgres_publication
    shop.run(f"CREATE PUBLICATION {name} FOR TABLE shop.stock WITH (publish = 'insert')")
    with pytest.raises(SourceError, match=f'ALTER PUBLICATION "{name}" SET'):
        landed.load()


def test_a_wrong_password_gives_the_servers_own_words_without_the_password(shop: Source) -> None:
    assert shop.settings.postgres_dsn is not None
    dsn = make_conninfo(shop.settings.postgres_dsn.get_secret_value(), password="hunter2")
    with pytest.raises(CredentialsError, match='password authentication failed for user "postgres"') as caught:
        bronze_tables(shop.settings.model_copy(update={"postgres_dsn": SecretStr(dsn)}))
    assert "hunter2" not in str(caught.value)


def test_an_address_that_cannot_be_read_is_not_repeated(shop: Source) -> None:
    wrong = shop.settings.model_copy(update={"postgres_dsn": SecretStr("postgres//me:hunter2@nowhere")})
    with pytest.raises(SettingError, match="BOATHOUSE_POSTGRES_DSN can't be read") as caught:
        bronze_tables(wrong)
    assert "hunter2" not in str(caught.value)


def test_a_role_that_may_not_replicate_is_told_the_line_that_lets_it(shop: Source, landed: Landed) -> None:
    role = f"r{shop.settings.postgres_slot}"
    shop.run(f"CREATE ROLE {role} LOGIN PASSWORD 'pw'")
    try:
        assert shop.settings.postgres_dsn is not None
        dsn = make_conninfo(shop.settings.postgres_dsn.get_secret_value(), user=role, password="pw")
        plain = shop.settings.model_copy(update={"postgres_dsn": SecretStr(dsn)})
        with pytest.raises(CredentialsError, match=f'ALTER ROLE "{role}" WITH REPLICATION;'):
            landed.load(plain)
        shop.run(f"ALTER ROLE {role} WITH REPLICATION")
        with pytest.raises(CredentialsError, match="CREATE PUBLICATION"):
            landed.load(plain)
    finally:
        shop.run(f"DROP ROLE {role}")


def test_a_server_without_logical_decoding_is_told_the_line_to_set(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(embedded.OPTIONS, "wal_level", "replica")
    # Only Postgres is started anew; the other services are the session's own.
    there = {name: getattr(settings, name) for name in ("s3_endpoint", "s3_access_key", "s3_secret_key")}
    there |= {"catalog_uri": settings.catalog_uri, "redis_url": settings.redis_url}
    plain = Settings(_env_file=None, state_dir=tmp_path / "state", **there)
    try:
        with local.running(plain) as live:
            update = {"postgres_dsn": SecretStr(local.admin_dsn(live))}
            with pytest.raises(SourceError, match=r"ALTER SYSTEM SET wal_level = 'logical';.*restart"):
                Landed(live.model_copy(update=update)).load()
    finally:
        local.remove_all(plain)


def test_two_readers_of_one_new_slot_do_not_both_get_it(shop: Source) -> None:
    name = shop.settings.postgres_slot
    with (
        exported_slot(shop.settings, name, temporary=False),
        pytest.raises(SourceError, match="already exists"),
        exported_slot(shop.settings, name, temporary=False),
    ):
        pass
