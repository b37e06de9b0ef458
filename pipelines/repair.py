"""A repair: the source is asked again what it holds, and what bronze lacks of it is fetched and lands."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb
import pyarrow as pa
from pyiceberg.catalog import Catalog

from lake.catalogue import ensure_table, find_table
from lake.commits import Mark, commit_once
from lake.documents import LATEST, SCHEMA
from lake.errors import UnknownNameError
from lake.failpoints import reached
from lake.pins import Pin
from lake.proofs import order_free_hash
from lake.readers import connect, scan
from lake.settings import Settings
from pipelines import shopify, stripe
from pipelines.shopify import repair as of_shopify
from pipelines.stripe import repair as of_stripe

WRITER = "repair"
ROUND = 10_000
"""Documents in one commit."""
TABLES = {"shopify": shopify.TABLES, "stripe": stripe.TABLES}
_ASKED: dict[str, Any] = {"shopify": of_shopify, "stripe": of_stripe}

Again = tuple[str, str, bytes | None]


@dataclass(frozen=True)
class Difference:
    """What one table lacks, and what it has too much, beside what its source says of the time since ``since``.

    ``missing`` are the ids whose version (or which at all) bronze hasn't, ``gone`` those that the source no longer
    has and bronze still shows; ``said`` is how many the source holds.
    """

    table: str
    since: str
    said: int
    missing: tuple[str, ...]
    gone: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether bronze shows just what the source says."""
        return not self.missing and not self.gone


def named(text: str) -> str:
    """Find the table that a user means: ``orders``, ``charges`` or ``stripe_customers``.

    Raises UnknownNameError when there is none, or two.
    """
    known = [table for tables in TABLES.values() for table in tables]
    meant = [table for table in known if text in (table, table.partition("_")[2])]
    if len(meant) != 1:
        raise UnknownNameError("object", text, meant or known)
    return meant[0]


def difference(settings: Settings, catalogue: Catalog, table: str, since: str) -> Difference:
    """Ask the source of ``table`` for every (id, version) since ``since`` (ISO 8601, '' for all), and compare.

    What bronze shows and the source didn't list is read again: it may be gone, or have changed. Raises SourceError.
    """
    asked = _ASKED[table.partition("_")[0]]
    with _compared(settings, catalogue, table) as connection:
        said = _take(connection, asked.versions(settings, table, since))
        missing = _ids(
            connection,
            "SELECT DISTINCT id FROM said ANTI JOIN held USING (id, version) ORDER BY id",
        )
        doubtful = _ids(
            connection,
            "SELECT id FROM current ANTI JOIN said USING (id) WHERE version >= ? ORDER BY id",
            since,
        )
        known = set(_among(connection, "held", doubtful))
        again = [
            (one, version, payload is None) for one, version, payload in asked.read_again(settings, table, doubtful)
        ]
    gone = tuple(identity for identity, _, is_gone in again if is_gone)
    changed = tuple(
        identity for identity, version, is_gone in again if not is_gone and (identity, version) not in known
    )
    return Difference(table, since, said, missing + changed, gone)


def repair(
    settings: Settings, catalogue: Catalog, found: Difference, progress: Callable[[str], None] = lambda _: None
) -> int:
    """Read again what a difference names, land it, and give how many rows landed. May be killed and called again.

    Each round is one exactly-once commit; rows have ``_lane`` repair, and ``_op`` delete where the source has
    nothing any more. Raises SourceError or CommitError.
    """
    asked = _ASKED[found.table.partition("_")[0]]
    ids = [*found.missing, *found.gone]
    landed = 0
    with _compared(settings, catalogue, found.table) as connection:
        for start in range(0, len(ids), ROUND):
            these = ids[start : start + ROUND]
            rows = list(_news(connection, these, asked.read_again(settings, found.table, these)))
            _land(settings, catalogue, found.table, rows)
            reached("repair.landed")
            landed += len(rows)
            progress(f"{found.table}: {landed:,} of {len(ids):,}")
    return landed


@contextmanager
def _compared(settings: Settings, catalogue: Catalog, table: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection that sees what bronze holds (``held``: id, version) and what it shows (``current``)."""
    target = find_table(catalogue, f"bronze.{table}")
    pin = None if target is None else Pin.of(target)
    columns = "'' AS id, '' AS version, '' AS _op, '' AS _lane, now() AS _received_at, '' AS _load_id"
    empty = f"(SELECT {columns} WHERE false)"
    with connect(settings) as connection:
        connection.execute(f"CREATE TEMP VIEW rows AS SELECT * FROM {scan(pin) if pin else empty}")
        # Shopify's webhooks tell less than a document that is read: what they alone brought is read again.
        told = "WHERE _lane <> 'webhook' OR _op = 'delete'" if table.startswith("shopify") else ""
        connection.execute(f"CREATE TEMP TABLE held AS SELECT DISTINCT id, version FROM rows {told}")
        connection.execute(
            "CREATE TEMP TABLE current AS SELECT id, version FROM rows WHERE id IS NOT NULL QUALIFY"
            f" row_number() OVER (PARTITION BY id ORDER BY {LATEST}) = 1 AND _op <> 'delete'"
        )
        connection.execute("CREATE TEMP TABLE said (id VARCHAR, version VARCHAR)")
        yield connection


def _take(connection: duckdb.DuckDBPyConnection, pairs: Iterable[tuple[str, str]]) -> int:
    """Put what a source says into ``said``, a batch at a time, and count it."""
    waiting: list[tuple[str, str]] = []
    for pair in pairs:
        waiting.append(pair)
        if len(waiting) == ROUND:
            _insert(connection, waiting)
            waiting = []
    _insert(connection, waiting)
    row = connection.execute("SELECT count(DISTINCT id) FROM said").fetchone()
    return int(row[0]) if row else 0


def _insert(connection: duckdb.DuckDBPyConnection, pairs: list[tuple[str, str]]) -> None:
    batch = pa.table({"id": [one for one, _ in pairs], "version": [version for _, version in pairs]})  # noqa: F841
    connection.execute("INSERT INTO said SELECT id, version FROM batch")


def _ids(connection: duckdb.DuckDBPyConnection, sql: str, *values: str) -> tuple[str, ...]:
    return tuple(str(identity) for (identity,) in connection.execute(sql, list(values)).fetchall())


def _among(connection: duckdb.DuckDBPyConnection, table: str, ids: Sequence[str]) -> list[tuple[str, str]]:
    """Give the (id, version) pairs of these ids in ``held`` or ``current``."""
    wanted = "WHERE id IN (SELECT unnest(?::VARCHAR[]))"
    return connection.execute(f"SELECT id, version FROM {table} {wanted}", [list(ids)]).fetchall()


def _news(connection: duckdb.DuckDBPyConnection, ids: list[str], again: Iterable[Again]) -> Iterator[dict[str, str]]:
    """Give the rows to land of what was read again: nothing that bronze holds, no deletion of what it doesn't show.

    A deletion without a version happened by now, and after what bronze shows.
    """
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    held, shown = set(_among(connection, "held", ids)), dict(_among(connection, "current", ids))
    for identity, version, payload in again:
        if payload is None and identity in shown:
            yield {"id": identity, "version": max(version or now, shown[identity]), "payload": "{}", "_op": "delete"}
        elif payload is not None and (identity, version) not in held:
            yield {"id": identity, "version": version, "payload": payload.decode(), "_op": "upsert"}


def _land(settings: Settings, catalogue: Catalog, table: str, rows: list[dict[str, str]]) -> None:
    if not rows:
        return
    at = datetime.now(UTC)
    claimed = order_free_hash(pa.array([row["id"] for row in rows]), pa.array([row["version"] for row in rows]))
    load_id = f"{WRITER}-{claimed}-{at:%Y%m%dT%H%M%S%fZ}"
    version = settings.shopify_api_version if table.startswith("shopify") else settings.stripe_api_version
    same = {"_lane": "repair", "_api_version": version, "_received_at": at, "_load_id": load_id}
    mark = Mark(WRITER, load_id, "", len(rows), claimed, "documents read again by their ids")
    target = ensure_table(catalogue, f"bronze.{table}", SCHEMA, partition_day="_received_at")
    commit_once(target, [pa.Table.from_pylist([row | same for row in rows], schema=SCHEMA)], mark)
