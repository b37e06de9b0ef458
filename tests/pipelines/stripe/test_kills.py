"""A load of the sandbox's account that is killed between two slices, or in one, ends with everything once."""

import shutil
import signal
from collections import Counter

import httpx
import pytest

from infra.sandbox import credentials
from pipelines.stripe.cursor import decode, unfinished
from pipelines.stripe.resources import RESOURCES
from tests.pipelines.conftest import Lake
from tests.pipelines.test_loads import pull, sandbox, shop

__all__ = ["sandbox", "shop"]


def in_the_account(url: str) -> dict[str, int]:
    """Count what the account holds, by table."""
    counts = {}
    with httpx.Client(base_url=url, auth=(credentials.STRIPE_API_KEY, "")) as http:
        for resource in RESOURCES:
            asked: dict[str, str | int] = {"limit": 100, **resource.parameters}
            counts[resource.table] = 0
            while True:
                page = http.get(resource.path, params=asked).json()
                counts[resource.table] += len(page["data"])
                if not page["has_more"]:
                    break
                asked["starting_after"] = page["data"][-1]["id"]
    return counts


@pytest.mark.parametrize(
    ("place", "folder_lost"),
    [("ingest.extracted:2", False), ("commit.after:18", False), ("commit.after:18", True), ("ingest.loaded:2", True)],
)
def test_a_backfill_that_is_killed_goes_on_and_ends_with_everything_once(
    shop: Lake,
    sandbox: str,
    place: str,
    folder_lost: bool,
) -> None:
    assert pull(shop, "stripe", f"{place}:kill", "2").returncode == -signal.SIGKILL
    assert unfinished({"stripe_charges": shop.cursor("stripe_charges", "stripe")})
    if folder_lost:
        shutil.rmtree(shop.settings.state_dir / "dlt")
    shop.pull("stripe")
    for table, count in in_the_account(sandbox).items():
        found = Counter(row["id"] for row in shop.rows(table))
        assert (len(found), max(found.values(), default=1)) == (count, 1), table
        assert decode(shop.cursor(table, "stripe")).low == ""
    assert shop.disagreements() == []
    assert shop.pull("stripe").total == 0
