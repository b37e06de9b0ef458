"""The working folder may be full, of no use, damaged or emptied: a sentence at most, and everything lands once."""

import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dlt
import pytest
from dlt import pipeline as named

from lake import failpoints
from lake.errors import BoathouseError, SourceError
from pipelines.loads import run_load
from tests.pipelines.conftest import Lake
from tests.pipelines.test_loads import command, pull
from tests.pipelines.vendor import Vendor, order

DAMAGED = (
    "state.json",
    "load_package_state.json",
    "schema.json",
    "shopify_orders.*.parquet",
)


@pytest.fixture
def waiting(lake: Lake, vendor: Vendor) -> Path:
    """The working folder of a load of two orders that was read and isn't committed."""
    vendor.objects["orders"] = [order(1, 10), order(2, 20)]
    failpoints.arm("ingest.extracted:1:error")
    with pytest.raises(BoathouseError, match="failpoint"):
        lake.pull("shopify")
    failpoints.arm("")
    return lake.settings.state_dir / "dlt" / "shopify"


def holds_everything_once(lake: Lake, vendor: Vendor) -> None:
    """Load after one more order was sold, twice, and hold bronze against the shop."""
    vendor.objects["orders"].append(order(3, 30))
    lake.pull("shopify")
    assert lake.pull("shopify").total == 0
    assert lake.keys("shopify_orders") == [("1", "10"), ("2", "20"), ("3", "30")]
    assert lake.disagreements() == []


@pytest.mark.parametrize("name", DAMAGED)
def test_a_file_of_the_package_that_is_cut_in_half_costs_nothing(
    lake: Lake, vendor: Vendor, waiting: Path, name: str
) -> None:
    files = [path for path in waiting.rglob(Path(name).name) if ".restore" not in path.parts]
    path = files[0]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    vendor.objects["orders"].append(order(3, 30))
    (note,) = lake.pull("shopify").notes
    assert note.startswith(f"The working folder {waiting} was damaged")
    vendor.objects["orders"].pop()
    holds_everything_once(lake, vendor)


def test_packages_that_are_dropped_by_hand_are_read_again(lake: Lake, vendor: Vendor, waiting: Path) -> None:
    named(pipeline_name="shopify", pipelines_dir=str(waiting.parent)).abort_packages()
    assert list(waiting.rglob("*.parquet")) == []
    holds_everything_once(lake, vendor)


def test_a_working_folder_that_cannot_be_written_is_a_sentence(lake: Lake, vendor: Vendor, waiting: Path) -> None:
    shutil.rmtree(waiting.parent)
    waiting.parent.write_text("in the way")
    with pytest.raises(SourceError, match=r"^The working folder .*/dlt can't be used \(Not a directory\); see to it"):
        lake.pull("shopify")
    waiting.parent.unlink()
    holds_everything_once(lake, vendor)


def test_a_disk_that_is_full_is_a_sentence_and_the_next_load_has_everything(
    lake: Lake, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor.objects["orders"] = [order(1, 10), order(2, 20)]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, limits[1]))
    try:
        done = pull(lake, "shopify")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
    holds_everything_once(lake, vendor)


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_load_that_is_told_to_end_is_resumed(lake: Lake, vendor: Vendor, sent: signal.Signals) -> None:
    vendor.objects["orders"] = [order(1, 10), order(2, 20)]
    with subprocess.Popen(**command(lake, "shopify")) as child:
        vendor.before = [lambda asked: child.send_signal(sent) if asked.path == "/bulk/orders" else None]
        assert child.wait(120) == -sent
    vendor.before = []
    holds_everything_once(lake, vendor)


def test_a_load_that_is_interrupted_as_a_list_ends_is_no_failure(lake: Lake) -> None:
    def pressed() -> Iterator[dict[str, Any]]:
        yield {"id": "1"}
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run_load(lake.settings, lake.catalogue, "own", lambda _: dlt.resource(pressed, name="own"))
