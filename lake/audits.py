"""Every audit's result, also a passing one, is a row of ``ops.audits``."""

from dataclasses import asdict
from datetime import datetime

import pyarrow as pa
from pyiceberg.catalog import Catalog

from lake.catalogue import ensure_table
from lake.commits import Mark, commit_once
from lake.transforms import AuditResult

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
    ]
)


def record_audits(catalogue: Catalog, run_id: str, results: list[AuditResult], at: datetime) -> None:
    """Append the results of one run in one commit. Raises CommitError."""
    if not results:
        return
    rows = [asdict(result) | {"run_id": run_id, "audited_at": at} for result in results]
    table = ensure_table(catalogue, TABLE, SCHEMA)
    commit_once(table, [pa.Table.from_pylist(rows, schema=SCHEMA)], Mark("audits", run_id, claim_count=len(rows)))
