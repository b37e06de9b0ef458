"""What each service keeps: its data over a crash, its secrets to itself, its ports to this machine."""

import os
import shutil
import signal
import stat
import subprocess
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from pyiceberg.catalog import Catalog, load_catalog

from infra import local
from infra.local import account, records, state
from infra.local.binaries import installed_file
from infra.local.postgres import PACKAGE, Postgres
from lake.settings import Settings
from tests.infra.local.conftest import only_status

ROOT = os.geteuid() == 0


def catalogue_of(live: Settings) -> Catalog:
    assert live.s3_access_key
    assert live.s3_secret_key
    key, secret = live.s3_access_key.get_secret_value(), live.s3_secret_key.get_secret_value()
    return load_catalog(
        "lake",
        **{
            "type": "rest",
            "uri": live.catalog_uri,
            "warehouse": live.catalog_warehouse,
            "rest.sigv4-enabled": "true",
            "rest.signing-name": "s3tables",
            "rest.signing-region": live.s3_region,
            "client.access-key-id": key,
            "client.secret-access-key": secret,
            "client.region": live.s3_region,
            "s3.endpoint": live.s3_endpoint,
            "s3.access-key-id": key,
            "s3.secret-access-key": secret,
            "s3.region": live.s3_region,
        },
    )


def test_a_table_outlives_a_killed_object_store_on_other_ports(empty: Settings) -> None:
    boats = pa.table({"boat": ["skiff", "dory"]})
    with local.running(empty, only=["seaweedfs"]) as live:
        catalogue = catalogue_of(live)
        catalogue.create_namespace("harbour")
        catalogue.create_table("harbour.boats", schema=boats.schema).append(boats)
        os.killpg(only_status(empty, "seaweedfs").pid, signal.SIGKILL)
    (empty.state_dir / "run" / "seaweedfs.json").unlink()
    moved = empty.model_copy(update={"s3_port": 18_333})
    with local.running(moved, only=["seaweedfs"]) as again:
        assert again.s3_endpoint != live.s3_endpoint
        table = catalogue_of(again).load_table("harbour.boats")
        assert table.scan().to_arrow().num_rows == 2
        assert "127.0.0.1" not in table.metadata.model_dump_json()


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="reads Linux' list of sockets")
def test_every_port_is_on_loopback_and_was_chosen_by_us(settings: Settings) -> None:
    for status in local.status(settings):
        listening = listening_sockets(status.pid)
        assert {address for address, _ in listening} == {"127.0.0.1"}
        assert {port for _, port in listening} == set(status.ports.values())


def listening_sockets(pid: int) -> set[tuple[str, int]]:
    links = [str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir()]
    found = set()
    for kind in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in links:
                host, port = fields[1].split(":")
                found.add(("127.0.0.1" if host == "0100007F" else host, int(port, 16)))
    return found


def test_secrets_are_in_files_of_their_owner_only(settings: Settings) -> None:
    folder = state.state_dir(settings)
    for status in local.status(settings):
        record = records.read(state.run_dir(settings), status.name)
        assert record is not None
        argv = Path(f"/proc/{status.pid}/cmdline").read_bytes() if Path("/proc/self").exists() else b""
        assert not [secret for secret in record.secrets.values() if secret.encode() in argv]
        for file in [*folder.glob("run/*.json"), *folder.glob(f"{status.name}/*")]:
            if file.is_file() and any(s in file.read_text("utf-8", "replace") for s in record.secrets.values()):
                assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_postgres_wants_its_password(admin_dsn: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(admin_dsn.replace("postgres:", "postgres:not"))


def test_postgres_data_stays_over_a_restart(empty: Settings) -> None:
    with (
        local.running(empty, only=["postgres"]),
        psycopg.connect(local.admin_dsn(empty), autocommit=True) as connection,
    ):
        connection.execute("CREATE DATABASE shop")
    (empty.state_dir / "run" / "postgres.json").unlink()
    with local.running(empty, only=["postgres"]), psycopg.connect(local.admin_dsn(empty)) as connection:
        assert connection.execute("SELECT 1 FROM pg_database WHERE datname = 'shop'").fetchone() == (1,)


def test_a_cluster_that_was_left_half_made_is_made_again(empty: Settings) -> None:
    half = empty.state_dir / "postgres" / "new" / "data"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with local.running(empty, only=["postgres"]), psycopg.connect(local.admin_dsn(empty)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.skipif(not ROOT, reason="only root needs another account for Postgres")
def test_root_without_a_searchable_folder_keeps_postgres_outside_and_removes_it(empty: Settings) -> None:
    empty.state_dir.mkdir()
    empty.state_dir.chmod(0o700)
    with local.running(empty, only=["postgres"]):
        outside = account.elsewhere(state.state_dir(empty) / "postgres")
        assert outside is not None
        assert (outside / "data" / "PG_VERSION").exists()
    assert stat.S_IMODE(empty.state_dir.stat().st_mode) == 0o700
    local.remove_all(empty)
    assert not outside.exists()


@pytest.mark.skipif(not ROOT, reason="only root needs another account for Postgres")
def test_root_starts_again_after_the_state_folder_was_removed_by_hand(empty: Settings) -> None:
    for _ in range(2):
        empty.state_dir.mkdir(mode=0o700)
        with local.running(empty, only=["postgres"]), psycopg.connect(local.admin_dsn(empty)) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        shutil.rmtree(empty.state_dir)
    empty.state_dir.mkdir(mode=0o700)
    account.place(state.state_dir(empty) / "postgres", account.choose())


@pytest.mark.skipif(not ROOT, reason="only root needs another account for Postgres")
def test_root_copies_programs_that_the_account_cannot_reach(tmp_path: Path) -> None:
    wheel = installed_file(PACKAGE, "postgres", Postgres()).parents[2]
    closed, outside = tmp_path / "closed", tmp_path / "outside"
    closed.mkdir(mode=0o700)
    for part in (wheel, wheel.with_name(wheel.name + ".libs")):
        shutil.copytree(part, closed / part.name, ignore=shutil.ignore_patterns("include", "__pycache__"))
    copy = account.programs(closed / wheel.name, outside, account.choose(), "18")
    said = subprocess.run([copy / "pginstall" / "bin" / "initdb", "--version"], capture_output=True, check=True)
    assert said.stdout.startswith(b"initdb (PostgreSQL) 18")
    assert account.programs(closed / wheel.name, outside, account.choose(), "18") == copy
