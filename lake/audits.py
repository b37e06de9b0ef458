"""What the gates found: every check's result, also a passing one, is a row of ``ops.audits``."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

import orjson
import pyarrow as pa
from pyiceberg.catalog import Catalog
from pyiceberg.expressions import AlwaysTrue, StartsWith

from lake.catalogue import ensure_table, find_table
from lake.commits import Mark, commit_once
from lake.drift.masks import masked

TABLE = "ops.audits"
SCHEMA = pa.schema(
    [
        ("run_id", pa.string()),
        ("model", pa.string()),
        ("audit", pa.string()),
        ("rows", pa.int64()),
        ("offenders", pa.int64()),
        ("blocking", pa.bool_()),
        ("passed", pa.bool_()),
        ("audited_at", pa.timestamp("us", tz="UTC")),
        ("kind", pa.string()),
        ("severity", pa.string()),
        ("vacuous", pa.bool_()),
        ("sample", pa.string()),
        ("loads", pa.list_(pa.string())),
    ]
)
SAMPLED = 3
"""Offending rows that a result shows, masked."""

Kind = Literal["contract", "audit", "budget", "approval"]


@dataclass(frozen=True)
class AuditResult:
    """What one check found: ``rows`` looked at, ``offenders`` among them (or found by the check).

    ``kind`` says whose check it is: a contract of what enters bronze or leaves gold, an audit of a model, a metric's
    budget; an approval is somebody's word, with a reason, that some loads may break their contract. ``sample`` shows
    some offenders by their form, without personal data; ``loads`` are the loads whose rows were looked at, where
    that is not all of the table.
    """

    model: str
    audit: str
    rows: int
    offenders: int
    blocking: bool
    passed: bool
    kind: Kind = "audit"
    sample: str = ""
    loads: tuple[str, ...] = ()

    @property
    def severity(self) -> str:
        """Whether a failure holds the release back (``block``) or is only told (``warn``)."""
        return "block" if self.blocking else "warn"

    @property
    def vacuous(self) -> bool:
        """Whether there was nothing to look at, so that having passed says nothing."""
        return self.rows == 0

    @property
    def stops(self) -> bool:
        """Whether no release may be cut over this."""
        return self.blocking and not self.passed


def record_audits(
    catalogue: Catalog, run_id: str, results: list[AuditResult], at: datetime, gate: str = "models"
) -> None:
    """Append the results of one gate of a run in one commit. Raises CommitError."""
    if not results:
        return
    same = {"run_id": run_id, "audited_at": at}
    rows = [
        asdict(result) | same | {"severity": result.severity, "vacuous": result.vacuous, "loads": list(result.loads)}
        for result in results
    ]
    table = ensure_table(catalogue, TABLE, SCHEMA)
    commit_once(
        table, [pa.Table.from_pylist(rows, schema=SCHEMA)], Mark("audits", f"{run_id}-{gate}", claim_count=len(rows))
    )


def known_audits(catalogue: Catalog, tables: str = "") -> pa.Table:
    """Read the results about tables whose name begins with ``tables``, oldest first.

    What was kept before a column existed has NULL there.
    """
    table = find_table(catalogue, TABLE)
    if table is None or table.current_snapshot() is None:
        return SCHEMA.empty_table()
    rows = table.scan(row_filter=StartsWith(term="model", value=tables) if tables else AlwaysTrue()).to_arrow()
    for field in SCHEMA:
        if field.name not in rows.column_names:
            rows = rows.append_column(field, pa.nulls(rows.num_rows, field.type))
    return rows.select(SCHEMA.names).cast(SCHEMA).sort_by([("audited_at", "ascending"), ("run_id", "ascending")])


def sample_of(rows: Iterable[Mapping[str, Any]]) -> str:
    """Show some offending rows by the form of their values, as JSON: ``ann@b.org`` is ``xxx@x.xxx``."""
    shown = [
        {name: None if value is None else masked(str(value)) for name, value in row.items()}
        for row, _ in zip(rows, range(SAMPLED), strict=False)
    ]
    return orjson.dumps(shown).decode() if shown else ""
