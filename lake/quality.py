"""The quality score: the share of row-checks that passed, weighted by severity, of a table and of all."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

import pyarrow as pa
from pyiceberg.catalog import Catalog

from lake.audits import AuditResult, known_audits
from lake.errors import UnknownNameError

WEIGHTS = {"block": 3, "warn": 1}
"""What a row-check counts: one that would hold a release back, three times one that is only told."""
Checks = dict[tuple[str, str], list[dict[str, Any]]]
"""What was found when a table's checks of a kind were last made: table and kind to rows of ``ops.audits``."""


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


def checks_of(catalogue: Catalog, table: str) -> list[dict[str, Any]]:
    """Give the latest result of each check of a table, as rows of ``ops.audits``.

    Raises UnknownNameError that lists the tables that were checked.
    """
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for _, checks in deque(_latest(known_audits(catalogue)), maxlen=1):
        for (name, _), rows in checks.items():
            found[name] += rows
    if table not in found:
        raise UnknownNameError("table with checks", table, found)
    return found[table]


def standings(results: pa.Table, last: int = 1) -> list[Standing]:
    """Score rows of ``ops.audits``, oldest first: of each check its latest result up to the run counts.

    A check that wasn't among a table's checks of its kind when those were last made is none any more.
    """
    return [
        _standing(run["run_id"], run["audited_at"], [row for rows in checks.values() for row in rows])
        for run, checks in deque(_latest(results), maxlen=last)
    ]


def _latest(results: pa.Table) -> Iterator[tuple[dict[str, Any], Checks]]:
    """Give the last row of each run, oldest first, and what each table's checks had found by then.

    What somebody approved is no check.
    """
    latest: Checks = {}
    kept = [row for row in results.to_pylist() if row["kind"] != "approval"]
    for _, group in groupby(kept, key=lambda row: row["run_id"]):
        made: Checks = defaultdict(list)
        for row in group:
            made[row["model"], row["kind"] or "audit"].append(row)
        latest = latest | made
        yield row, latest


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
