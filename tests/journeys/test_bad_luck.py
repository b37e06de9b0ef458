"""What goes wrong ends in one sentence and a non-zero exit; nothing is lost, and the next run mends it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pyarrow as pa
import pytest

from infra import local
from infra.local import records, state
from infra.sandbox import credentials
from lake.catalogue import open_catalogue
from lake.commits import Mark, commit_once
from lake.documents import SCHEMA
from lake.locks import writing
from lake.proofs import order_free_hash
from lake.releases import current_release
from tests.journeys.conftest import User, leave


@pytest.fixture
def user(tmp_path: Path, built_in: Callable[[Path], Path]) -> Iterator[User]:
    someone = User(tmp_path, {"sandbox_orders": "120"})
    built_in(someone.state.state_dir)
    try:
        yield someone
    finally:
        leave(someone)


@pytest.fixture(scope="module")
def vendor() -> Iterator[str]:
    """Address of a sandbox shop that stands for the vendors themselves."""
    command = [sys.executable, "-m", "infra.sandbox", "--port", "0", "--orders", "20"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        yield child.stdout.readline().split()[-1]
        child.terminate()


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.startswith("boathouse: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"shopify_shop": "not a shop!"}, "BOATHOUSE_SHOPIFY_SHOP"),
        ({"shopify_client_secret": "wr0ng-secret"}, "Shopify gave no token"),
        ({"shopify_access_token": "wr0ng-secret"}, "Invalid API key or access token"),
        ({"stripe_api_key": "sk_test_wr0ng-secret", "shopify_shop": ""}, "Stripe refused the key"),
    ],
)
def test_a_vendor_that_says_no_is_quoted_without_the_secret(
    user: User, vendor: str, wrong: dict[str, str], said: str
) -> None:
    right = {
        "shopify_shop": credentials.SHOP,
        "shopify_client_id": credentials.SHOPIFY_CLIENT_ID,
        "shopify_client_secret": credentials.SHOPIFY_CLIENT_SECRET,
        "shopify_url": vendor,
        "stripe_url": vendor,
    }
    heard = sentence(user.boathouse("run", **(right | wrong)))
    assert said in heard
    assert "wr0ng" not in heard


def test_a_wrong_setting_is_named(user: User) -> None:
    assert "BOATHOUSE_POLL_INTERVAL" in sentence(user.boathouse("run", poll_interval="often"))


def test_the_second_writer_is_told_who_holds_the_lock(user: User) -> None:
    with writing(user.state, "somebody's migration"):
        assert "somebody's migration (process" in sentence(user.boathouse("run"))


WITHOUT_CURRENCY = (
    '{"id": "gid://shopify/Order/1", "createdAt": "2026-01-01T00:00:00Z",'
    ' "totalPriceSet": {"shopMoney": {"amount": "1.00"}}, "subtotalPriceSet": {"shopMoney": {"amount": "1.00"}}}'
)


def test_a_failed_audit_leaves_the_release_before(user: User) -> None:
    assert user.boathouse("run").returncode == 0
    with local.running(user.state, only={"seaweedfs"}) as live:
        catalogue = open_catalogue(live)
        before = current_release(catalogue)
        broken = {
            "id": "gid://shopify/Order/1",
            "version": "2026-01-01T00:00:00Z",
            "payload": WITHOUT_CURRENCY,
            "_op": "upsert",
            "_lane": "repair",
            "_received_at": datetime(2026, 1, 1, tzinfo=UTC),
            "_load_id": "broken",
        }
        rows = pa.Table.from_pylist([broken], schema=SCHEMA)
        commit_once(
            catalogue.load_table("bronze.shopify_orders"),
            [rows],
            Mark("test", "broken", "", 1, order_free_hash(rows["id"], rows["version"]), "the test"),
        )
    assert "audit" in sentence(user.boathouse("run"))
    with local.running(user.state, only={"seaweedfs"}) as live:
        assert current_release(open_catalogue(live)) == before
    assert user.boathouse("query", "select count(*) from fact_orders").returncode == 0


@contextmanager
def started(user: User, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Type a command that goes on, and end it however the block ends."""
    ours = {"BOATHOUSE_" + name.upper(): value for name, value in user.settings.items()}
    command = [sys.executable, "-u", "-m", "boathouse", *words]
    environment = {**os.environ, **ours}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=user.folder, env=environment, stdout=pipe, stderr=pipe, text=True) as child:
        try:
            yield child
        finally:
            child.terminate()


def read_until(child: subprocess.Popen[str], start_of_line: str) -> str:
    """Read lines until one begins so; fail with what was said when the process ends before."""
    assert child.stdout is not None
    said: list[str] = []
    for line in child.stdout:
        said.append(line)
        if line.startswith(start_of_line):
            return line
    assert child.stderr is not None
    raise AssertionError("".join(said) + child.stderr.read())


def test_a_service_that_dies_in_the_middle_is_named_and_the_next_run_mends_it(user: User) -> None:
    with started(user, "run") as child:
        read_until(child, "✓ shopify")
        record = records.read(state.run_dir(user.state), "seaweedfs")
        assert record is not None
        os.kill(record.pid, signal.SIGKILL)
        _, heard = child.communicate(timeout=600)
    assert child.returncode == 1
    assert "SeaweedFS died" in heard
    assert heard.count("\n") == 1, heard
    assert user.boathouse("run").returncode == 0


def test_up_serves_until_ctrl_c_stops_all_of_it_and_clean_removes_it(user: User) -> None:
    with started(user, "up") as child:
        address = read_until(child, "serving ").split()[1]
        read_until(child, "pull: ok")
        with httpx.Client(base_url=address, timeout=60, follow_redirects=True) as client:
            release = client.get("/v1/releases/current").json()["release"]
            answer = client.get("/v1/metrics/orders").json()
            assert (answer["data"], answer["release"]) == ([{"time": None, "value": 120}], release)
            assert client.get("/reports").status_code == 200
            assert client.get("/health").status_code == 200
        child.send_signal(signal.SIGINT)
        said, heard = child.communicate(timeout=120)
    assert child.returncode == 0, heard
    assert said.splitlines()[-1] == "up: stopped cleanly"
    assert not any(service.running for service in local.status(user.state))
    assert user.boathouse("clean").returncode == 0
    assert not (user.folder / ".boathouse").exists()
