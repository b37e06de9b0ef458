"""The quality score: the share of row-checks that passed, weighted by severity, of a table and of all."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

import pyarrow as pa
from pyiceberg.catalog import Catalog

from lake.audits import AuditResult, known_audits

WEIGHTS = {"block": 3, "warn": 1}
"""What a row-check counts: one that would hold a release back, three times one that is only told."""


class Score(NamedTuple):
    """How good a table is: ``checks`` that its latest results are of, ``vacuous`` ones that saw no row among them.

    ``row_checks`` is each check times the rows it looked at, ``offenders`` how many of those failed. ``share`` is
    None when every check was vacuous.
    """

    table: str
    checks: int
    vacuous: int
    failed: int
    row_checks: int
    offenders: int
    share: float | None


class Standing(NamedTuple):
    """The scores as of one run."""

    run_id: str
    at: datetime
    overall: Score
    tables: tuple[Score, ...]


def quality(catalogue: Catalog, last: int = 1) -> list[Standing]:
    """Score every table as of each of the ``last`` runs, the latest one last; empty before the first run."""
    return standings(known_audits(catalogue), last)


def standings(results: pa.Table, last: int = 1) -> list[Standing]:
    """Score rows of ``ops.audits``, oldest first: of each check its latest result up to the run counts."""
    rows = [row for row in results.to_pylist() if row["kind"] != "approval"]
    runs: dict[str, datetime] = {row["run_id"]: row["audited_at"] for row in rows}
    wanted = set(list(runs)[-last:])
    latest: dict[tuple[str, str, str], dict[str, Any]] = {}
    found = []
    for run_id, group in groupby(rows, key=lambda row: row["run_id"]):
        for row in group:
            latest[row["model"], row["kind"] or "audit", row["audit"]] = row
        if run_id in wanted:
            found.append(_standing(run_id, runs[run_id], list(latest.values())))
    return found


def overall(results: Iterable[AuditResult]) -> float | None:
    """Give the share of row-checks that passed in some results, weighted by severity."""
    return _score("all", [asdict(one) for one in results]).share


def _standing(run_id: str, at: datetime, rows: list[dict[str, Any]]) -> Standing:
    tables: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        tables.setdefault(row["model"], []).append(row)
    scores = tuple(_score(table, tables[table]) for table in sorted(tables))
    return Standing(run_id, at, _score("all", rows), scores)


def _score(table: str, rows: Iterable[dict[str, Any]]) -> Score:
    checks = vacuous = failed = looked = offenders = total = good = 0
    for row in rows:
        weight = WEIGHTS["block" if row["blocking"] else "warn"]
        seen = row["rows"]
        wrong = min(row["offenders"], seen)
        checks += 1
        vacuous += seen == 0
        failed += not row["passed"]
        looked += seen
        offenders += wrong
        total += weight * seen
        good += weight * (seen - wrong)
    return Score(table, checks, vacuous, failed, looked, offenders, good / total if total else None)
