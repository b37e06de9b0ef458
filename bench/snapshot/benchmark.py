"""``snapshot``: ours, dlt's sql_database in three ways, and what the machine can do, over the same table."""

import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import uuid4

from pydantic import SecretStr

from bench.comparison import OURS, Comparison, Contestant, compare
from bench.snapshot.source import CHECKSUM, make
from bench.staging import as_url, staged
from bench.trial import Trial, attempt
from infra import local
from lake.errors import ServiceError
from lake.handover import dump
from lake.settings import Settings

ROWS = 2_000_000
HERE = Path(__file__).parent
# The peers' own environment: dlt as its documentation installs it for databases and for Iceberg on S3.
PEERS = (
    *("uv", "run", "--no-project", "--quiet", "--with", "dlt[sql_database,filesystem,pyiceberg,s3]"),
    *("--with", "connectorx", "--with", "psycopg2-binary", "--with", "pandas"),
)


def bench_snapshot(settings: Settings, rows: int, pairs: int, peers: bool, say: Callable[[str], None]) -> Comparison:
    """Load a table of ``rows`` orders (2,000,000 when 0) with ours, with dlt in three ways, and to nowhere.

    Raises BoathouseError.
    """
    rows = rows or ROWS
    with staged(settings, say, {"seaweedfs", "postgres"}) as live:
        say(f"snapshot: writing {rows:,} rows")
        dsn = make(local.admin_dsn(live), rows)
        live = live.model_copy(update={"postgres_dsn": SecretStr(dsn)})
        contestants = [
            Contestant(OURS, "ours", partial(_ours, live)),
            Contestant("COPY binary to nowhere", "limit", partial(_limit, dsn)),
        ]
        if peers:
            contestants += [
                Contestant(f"dlt, {backend}", "peer", partial(_peer, live, dsn, backend))
                for backend in ("connectorx", "pyarrow", "sqlalchemy")
            ]
        return compare("snapshot", rows, tuple(contestants), pairs, say)


def _ours(live: Settings) -> Trial:
    return attempt([sys.executable, "-m", "bench.snapshot.ours"], {"settings": dump(live)})


def _limit(dsn: str) -> Trial:
    return attempt([sys.executable, "-m", "bench.snapshot.limits"], {"dsn": dsn})


def _peer(live: Settings, dsn: str, backend: str) -> Trial:
    if not (live.s3_access_key and live.s3_secret_key):
        raise ServiceError("The benchmark needs the embedded object store; leave BOATHOUSE_S3_ENDPOINT empty.")
    with tempfile.TemporaryDirectory(prefix="boathouse-peer-") as folder:
        told: dict[str, object] = {
            "url": as_url(dsn),
            "folder": folder,
            "bucket": f"peer-{uuid4().hex[:8]}",
            "endpoint": live.s3_endpoint,
            "access_key": live.s3_access_key.get_secret_value(),
            "secret_key": live.s3_secret_key.get_secret_value(),
            "backend": backend,
            "workers": 2,
            "checksum": CHECKSUM,
        }
        return attempt([*PEERS, "python", str(HERE / "peer.py")], told)
