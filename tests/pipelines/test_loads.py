import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from infra.sandbox import credentials
from lake import failpoints
from lake.commits import last_mark
from lake.errors import BoathouseError
from lake.settings import PREFIX
from tests.pipelines.conftest import Lake
from tests.pipelines.vendor import Vendor, order

ROOT = Path(__file__).parents[2]
ORDERS = 400
PASSED = ("s3_endpoint", "s3_region", "s3_access_key", "s3_secret_key", "catalog_uri", "catalog_warehouse", "state_dir")
SOURCES = ("shopify_shop", "shopify_url", "shopify_access_token", "stripe_url", "stripe_api_key")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a sandbox shop with 400 orders."""
    argv = [sys.executable, "-m", "infra.sandbox", "--port", "0", "--orders", str(ORDERS), "--plan", "plus"]
    argv += ["--state-dir", str(tmp_path_factory.mktemp("bulk"))]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.terminate()


@pytest.fixture
def shop(open_lake: Callable[[str], Lake], sandbox: str) -> Lake:
    """An empty lake whose sources are the sandbox shop."""
    lake = open_lake(sandbox)
    own = {"shopify_access_token": credentials.SHOPIFY_ACCESS_TOKEN, "stripe_api_key": credentials.STRIPE_API_KEY}
    secrets = {name: SecretStr(value) for name, value in own.items()}
    lake.settings = lake.settings.model_copy(update=secrets)
    return lake


def command(lake: Lake, name: str, failpoint: str = "", *arguments: str) -> dict[str, Any]:
    """Give how a pull is started in a process of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    for setting in (*PASSED, *SOURCES):
        value = getattr(lake.settings, setting)
        environment[PREFIX + setting.upper()] = str(getattr(value, "get_secret_value", lambda v=value: v)())
    environment[PREFIX + "FAILPOINT"] = failpoint
    argv = [sys.executable, "-m", "tests.pipelines.pulling", name, *arguments]
    return {"args": argv, "cwd": ROOT, "env": environment, "text": True}


def pull(lake: Lake, name: str, failpoint: str = "", *arguments: str) -> subprocess.CompletedProcess[str]:
    """Pull in a process of its own."""
    done: subprocess.CompletedProcess[str] = subprocess.run(
        **command(lake, name, failpoint, *arguments), capture_output=True, timeout=120, check=False
    )
    return done


def whole(lake: Lake, name: str) -> None:
    """Assert that a table holds everything once."""
    found = lake.keys(name)
    assert len(found) == ORDERS
    assert len({identity for identity, _ in found}) == ORDERS


@pytest.mark.parametrize(
    "place",
    [
        "ingest.extracted:1",
        "ingest.normalized:1",
        "commit.before:1",
        "commit.before:3",
        "commit.after:2",
        "ingest.loaded:1",
    ],
)
def test_a_load_that_is_killed_ends_with_every_document_once(shop: Lake, place: str) -> None:
    assert pull(shop, "shopify", f"{place}:kill").returncode == -signal.SIGKILL
    shop.pull("shopify")
    whole(shop, "shopify_orders")
    assert shop.disagreements() == []
    assert shop.pull("shopify").total == 0


@pytest.mark.parametrize("place", ["ingest.extracted:1", "commit.after:2"])
def test_a_load_that_is_killed_and_loses_its_working_folder_ends_with_every_document_once(
    shop: Lake, place: str
) -> None:
    assert pull(shop, "shopify", f"{place}:kill").returncode == -signal.SIGKILL
    shutil.rmtree(shop.settings.state_dir / "dlt")
    shop.pull("shopify")
    whole(shop, "shopify_orders")
    assert shop.disagreements() == []


def test_every_document_of_both_vendors_lands_once(shop: Lake) -> None:
    shop.pull("shopify")
    shop.pull("stripe")
    whole(shop, "shopify_orders")
    charged = {payload["metadata"]["order_id"] for payload in shop.payloads("stripe_charges")}
    paid = {order["legacyResourceId"] for order in shop.payloads("shopify_orders") if order["transactions"]}
    assert charged == paid
    assert shop.disagreements() == []
    assert (shop.pull("shopify").total, shop.pull("stripe").total) == (0, 0)


def test_a_load_says_how_much_it_brought_and_nothing_else(lake: Lake, vendor: Vendor) -> None:
    vendor.objects["orders"] = [order(1, 10)]
    done = pull(lake, "shopify")
    assert (done.returncode, done.stdout, done.stderr) == (0, "2\n", "")


@pytest.mark.parametrize(
    ("name", "status", "told"),
    [("shopify", 401, "Shopify refused the token for "), ("stripe", 401, "Stripe refused the key for ")],
)
def test_a_load_that_is_refused_says_one_sentence_without_secrets(
    lake: Lake, vendor: Vendor, name: str, status: int, told: str
) -> None:
    vendor.before = [lambda asked: (status, {}, b"{}")]
    done = pull(lake, name)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(told)
    assert "_secret" not in done.stderr


def test_a_commit_that_fails_is_one_sentence_and_the_next_load_finishes_it(lake: Lake, vendor: Vendor) -> None:
    vendor.objects["orders"] = [order(1, 10)]
    done = pull(lake, "shopify", "ingest.normalized:1:error")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "The failpoint ingest.normalized was told to fail here.\n"
    vendor.objects["orders"].append(order(2, 59))
    assert lake.pull("shopify").rows["shopify_orders"] == 1
    assert lake.keys("shopify_orders") == [("1", "10"), ("2", "59")]


def test_a_table_whose_load_has_many_files_is_one_commit(
    lake: Lake, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.documents.BATCH_ROWS", 10)
    for limit in ("FILE", "BUFFER"):
        monkeypatch.setenv(f"DATA_WRITER__{limit}_MAX_ITEMS", "10")
    vendor.objects["orders"] = [order(number, 10) for number in range(95)]
    failpoints.arm("ingest.normalized:1:error")
    with pytest.raises(BoathouseError):
        lake.pull("shopify")
    assert len(list((lake.settings.state_dir / "dlt").rglob("shopify_orders.*.parquet"))) > 5
    failpoints.arm("")
    lake.pull("shopify")
    assert len(lake.rows("shopify_orders")) == 95
    table = lake.catalogue.load_table("bronze.shopify_orders")
    assert len(table.snapshots()) == 1
    assert lake.disagreements() == []


def test_what_was_extracted_becomes_the_data_file_as_it_is(
    lake: Lake, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor.objects["orders"] = [order(number, 10) for number in range(3)]
    # Reading it to write it again would need to know how much at once.
    monkeypatch.delattr("pipelines.destination.BATCH_ROWS")
    assert lake.pull("shopify").rows["shopify_orders"] == 3
    assert lake.disagreements() == []


def test_what_was_loaded_is_not_kept_in_the_working_folder(lake: Lake, vendor: Vendor) -> None:
    vendor.objects["orders"] = [order(1, 10)]
    lake.pull("shopify")
    assert list((lake.settings.state_dir / "dlt").rglob("*.parquet")) == []


def test_the_cursor_travels_in_the_commit(lake: Lake, vendor: Vendor) -> None:
    vendor.objects["orders"] = [order(1, 10)]
    loaded = lake.pull("shopify")
    mark = last_mark(lake.catalogue.load_table("bronze.shopify_orders"), "shopify")
    assert mark is not None
    assert (mark.load_id, mark.claim_count, mark.cursor) == (loaded.load_id, 1, "2024-01-01T00:10:00Z")
