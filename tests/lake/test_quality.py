"""The quality score: shares that one can work out in the head."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from lake.audits import SCHEMA, AuditResult
from lake.quality import overall, standings

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def row(run: int, model: str, audit: str, rows: int, offenders: int, blocking: bool = True) -> dict[str, Any]:
    return {
        "run_id": f"run-{run}",
        "model": model,
        "audit": audit,
        "rows": rows,
        "offenders": offenders,
        "blocking": blocking,
        "passed": offenders == 0,
        "audited_at": NOON + timedelta(minutes=run),
        "kind": "audit",
    }


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=SCHEMA)


def test_a_blocking_check_weighs_three_times_one_that_warns() -> None:
    blocking = AuditResult("gold.a", "unique", 100, 0, True, True)
    warning = AuditResult("gold.a", "sane", 100, 40, False, False)
    assert overall([blocking, warning]) == pytest.approx(360 / 400)


def test_a_check_that_saw_no_rows_counts_for_nothing() -> None:
    assert overall([AuditResult("gold.a", "unique", 0, 0, True, True)]) is None
    seen = AuditResult("gold.a", "unique", 10, 5, True, False)
    assert overall([seen, AuditResult("gold.b", "unique", 0, 0, True, True)]) == pytest.approx(0.5)


def test_of_each_check_the_latest_result_counts_and_each_run_has_its_score() -> None:
    results = table(
        row(1, "gold.a", "unique", 100, 50),
        row(1, "gold.b", "unique", 100, 0),
        row(2, "gold.a", "unique", 100, 0),
        row(3, "gold.a", "unique", 100, 100),
    )
    shares = [one.overall.share for one in standings(results, last=3)]
    assert shares == pytest.approx([150 / 200, 200 / 200, 100 / 200])
    (last,) = standings(results)
    assert {score.table: score.share for score in last.tables} == {"gold.a": 0.0, "gold.b": 1.0}
    assert (last.overall.checks, last.overall.failed, last.overall.row_checks) == (2, 1, 200)


def test_a_check_that_is_made_no_more_counts_no_more() -> None:
    results = table(
        row(1, "gold.a", "unique", 100, 100),
        row(1, "gold.b", "unique", 100, 50),
        row(2, "gold.a", "not_null", 100, 0),
    )
    (last,) = standings(results)
    assert {score.table: (score.checks, score.share) for score in last.tables} == {
        "gold.a": (1, 1.0),
        "gold.b": (1, 0.5),
    }


def test_more_offenders_than_rows_are_all_rows() -> None:
    (last,) = standings(table(row(1, "gold.a", "row_count_between", 1, 7, blocking=False)))
    assert last.overall.share == 0.0


def test_before_the_first_run_there_is_no_score() -> None:
    assert standings(table()) == []
