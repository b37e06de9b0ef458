"""``api_load``: ours, dlt in three ways, and what the machine can do, over the same pages of orders."""

import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from uuid import uuid4

from bench.api_load.orders import write_orders
from bench.api_load.shop import served
from bench.comparison import OURS, Comparison, Contestant, compare
from bench.staging import staged
from bench.trial import Trial, attempt
from lake.errors import ServiceError
from lake.handover import dump
from lake.settings import Settings

ROWS = 100_000
HERE = Path(__file__).parent
# The peers' own environment: dlt as its documentation installs it for Iceberg on S3.
PEERS = ("uv", "run", "--no-project", "--quiet", "--with", "dlt[filesystem,pyiceberg,s3]", "--with", "sqlalchemy")


def bench_api_load(settings: Settings, rows: int, pairs: int, peers: bool, say: Callable[[str], None]) -> Comparison:
    """Load ``rows`` orders (100,000 when 0) with ours, with dlt in three ways, and to the machine's limits.

    Raises BoathouseError.
    """
    rows = rows or ROWS
    with staged(settings, say, {"seaweedfs"}) as live, ExitStack() as stack:
        say(f"api_load: writing {rows:,} orders")
        orders = live.state_dir / "orders.jsonl"
        write_orders(orders, rows)
        url = stack.enter_context(served(orders))
        contestants = [
            Contestant(OURS, "ours", partial(_ours, live, url)),
            Contestant("fetch alone", "limit", partial(_limit, "fetch", url, orders)),
            Contestant("read_json", "limit", partial(_limit, "read_json", url, orders)),
        ]
        if peers:
            ways = {"dlt": ("default", 1), "dlt, 2 workers": ("default", 2), "dlt, Arrow": ("arrow", 1)}
            contestants += [
                Contestant(name, "peer", partial(_peer, live, url, way, workers))
                for name, (way, workers) in ways.items()
            ]
        return compare("api_load", rows, tuple(contestants), pairs, say)


def _ours(live: Settings, url: str) -> Trial:
    command = [sys.executable, "-m", "bench.api_load.ours"]
    return attempt(command, {"settings": dump(live), "url": url})


def _limit(way: str, url: str, orders: Path) -> Trial:
    return attempt([sys.executable, "-m", "bench.api_load.limits", way], {"url": url, "orders": str(orders)})


def _peer(live: Settings, url: str, way: str, workers: int) -> Trial:
    if not (live.s3_access_key and live.s3_secret_key):
        raise ServiceError("The benchmark needs the embedded object store; leave BOATHOUSE_S3_ENDPOINT empty.")
    with tempfile.TemporaryDirectory(prefix="boathouse-peer-") as folder:
        told: dict[str, object] = {
            "url": url,
            "folder": folder,
            "bucket": f"peer-{uuid4().hex[:8]}",
            "endpoint": live.s3_endpoint,
            "access_key": live.s3_access_key.get_secret_value(),
            "secret_key": live.s3_secret_key.get_secret_value(),
            "way": way,
            "workers": workers,
        }
        return attempt([*PEERS, "python", str(HERE / "peer.py")], told)
