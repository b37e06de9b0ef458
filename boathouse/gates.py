"""The gates of one run: loads that enter bronze, the models' audits, tables that leave gold, the metrics' budgets."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pyiceberg.catalog import Catalog

from lake.audits import AuditResult, known_audits, record_audits
from lake.budgets import check_budgets
from lake.contracts import check_bronze, check_gold
from lake.errors import AuditError, HeldError
from lake.metrics import load_metrics
from lake.quality import overall
from lake.releases import Entry, Release, standing
from lake.settings import Settings

BRONZE = "bronze."


@dataclass
class Gates:
    """What a run's gates found so far; each gate's results are kept in ``ops.audits`` as soon as it has looked."""

    catalogue: Catalog
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    results: list[AuditResult] = field(default_factory=list)

    def keep(self, gate: str, results: list[AuditResult]) -> None:
        """Keep what one gate found."""
        record_audits(self.catalogue, f"run-{self.at:%Y%m%dT%H%M%S%f}", results, self.at, gate)
        self.results += results

    def enter(self, settings: Settings) -> list[AuditResult]:
        """Hold the loads that are new since the last run against bronze's contracts.

        Raises AuditError when one breaks a contract that blocks; it is looked at again until somebody lets it through.
        """
        results = check_bronze(settings, self.catalogue, looked_at(known_audits(self.catalogue, BRONZE).to_pylist()))
        self.keep("enter", results)
        _stop(results, "`boathouse release approve --reason …` lets these loads through")
        return results

    def leave(self, settings: Settings) -> list[AuditResult]:
        """Hold gold, as the warehouse has it, against its contracts. Raises AuditError when one that blocks breaks."""
        results = check_gold(settings)
        self.keep("leave", results)
        _stop(results, "the release before stays current")
        return results

    def judge(self, settings: Settings, current: Entry | None, candidate: Release) -> str:
        """Say why a release must wait for somebody's approval: a metric over its budget, a rollback that stands.

        Gives '' when nothing is in the way.
        """
        if current is None:
            return ""
        results = check_budgets(settings, current.release, candidate, load_metrics())
        self.keep("budgets", results)
        over = [f"{one.audit}, and {one.offenders:,} days moved: {one.sample}" for one in results if one.stops]
        if current.event == "rolled back":
            over.append(f"the rollback to {current.release.release_id} stands ({current.reason or 'no reason given'})")
        return "; ".join(over)

    def remark(self) -> str:
        """Say in a few words what the gates found."""
        warned = sum(not one.passed for one in self.results)
        vacuous = sum(one.vacuous for one in self.results)
        score = percent(overall(self.results))
        return f"{len(self.results)} checks, {warned} warnings, {vacuous} saw no rows, quality {score}"


def settled(catalogue: Catalog) -> Entry | None:
    """Give the current release when nothing is new. Raises HeldError while one waits for approval."""
    current, held = standing(catalogue)
    if held is not None:
        raise HeldError(waits(held, current))
    return current


def waits(held: Entry, current: Entry | None) -> str:
    """Say that a release is held back, why, and what to do."""
    name = held.release.release_id
    stays = f"; {current.release.release_id} stays current" if current else ""
    return (
        f"The release {name} is held back: {held.reason}. `boathouse release show {name}` says what changed, "
        f"`boathouse release approve --reason …` lets it out{stays}."
    )


def looked_at(rows: Iterable[dict[str, Any]]) -> dict[str, frozenset[str]]:
    """Find the loads that passed their contract, or were let through, in rows of ``ops.audits``: table to loads."""
    runs: dict[tuple[str, str], tuple[set[str], list[bool]]] = defaultdict(lambda: (set(), []))
    for row in rows:
        loads, stops = runs[row["run_id"], row["model"]]
        loads |= set(row["loads"] or ())
        stops.append(row["blocking"] and not row["passed"])
    found: defaultdict[str, frozenset[str]] = defaultdict(frozenset)
    for (_, table), (loads, stops) in runs.items():
        if not any(stops):
            found[table.removeprefix(BRONZE)] |= loads
    return dict(found)


def percent(share: float | None) -> str:
    """Write a share as a percentage that is 100 only when nothing failed."""
    if share is None:
        return "unknown"
    return "100 %" if share == 1 else f"{min(100 * share, 99.9999):.4f} %"


def _stop(results: list[AuditResult], then: str) -> None:
    broken = [one for one in results if one.stops]
    if broken:
        first = broken[0]
        more = f" and {len(broken) - 1} more rules are broken" if len(broken) > 1 else ""
        shown = f" ({first.sample})" if first.sample else ""
        raise AuditError(
            f"The contract of {first.model} is broken: {first.audit} by {first.offenders:,} of {first.rows:,} rows"
            f"{shown}{more}; {then}."
        )
