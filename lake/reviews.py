"""A change to the models reviewed: built in an environment of its own, and told beside production in Markdown."""

from dataclasses import dataclass
from pathlib import Path

from lake.environment_diffs import Diff, diff
from lake.environments import DUCKDB, Applied, Pins, Plan, apply, environment_name, plan
from lake.errors import AuditError
from lake.settings import Settings
from lake.table_diffs import TableDiff
from lake.transforms import Progress
from lake.warehouse import PROJECT


@dataclass(frozen=True)
class Review:
    """What a change would do (``plan``), and what it did aside: ``failure`` is the audit that stopped it, or ''."""

    environment: str
    plan: Plan
    applied: Applied | None
    diff: Diff | None
    failure: str = ""

    def markdown(self) -> str:
        """Write the review as Markdown, for a comment on a pull request."""
        said = [f"## {self.environment} beside production", "", *self._plan()]
        if self.failure:
            said += ["", f"**Nothing was built to its end:** {self.failure}"]
        if self.applied is not None:
            warnings = sum(not audit.passed for audit in self.applied.audits)
            said += ["", f"{len(self.applied.audits)} audits ran, {warnings} warn."]
        return "\n".join([*said, *self._diff()]) + "\n"

    def lines(self) -> list[str]:
        """Say the review in lines of text."""
        said = self.plan.lines()
        said += self.applied.lines() if self.applied else [f"failed   {self.failure}"]
        return said + (self.diff.lines() if self.diff else [])

    def _plan(self) -> list[str]:
        parts = {
            "new": self.plan.added,
            "removed": self.plan.removed,
            "changed": self.plan.directly,
            "follows": self.plan.indirectly,
        }
        rows = [f"| {what} | `{model}` |" for what, models in parts.items() for model in models]
        return ["| plan | model |", "| --- | --- |", *rows] if rows else ["No model changes."]

    def _diff(self) -> list[str]:
        if self.diff is None:
            return []
        rows = [_row(one.model, one.table) for one in self.diff.models]
        rows += [f"| `{model}` | | new | | | |" for model in self.diff.new]
        if not rows:
            return ["", "No row differs."]
        head = [
            "| data | rows before | rows now | added | removed | changed |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
        ]
        details = [line for one in self.diff.models if not one.table.same for line in _details(one.model, one.table)]
        return ["", *head, *rows, *details]


def review(
    settings: Settings,
    environment: str,
    gateway: str = DUCKDB,
    project: Path = PROJECT,
    pins: Pins | None = None,
    progress: Progress | None = None,
) -> Review:
    """Plan the files for an environment, build it aside, and compare it with production, which stays as it is.

    A failed audit is part of the review. Raises as plan, apply and diff do.
    """
    name = environment_name(environment)
    planned = plan(settings, name, gateway, project, pins)
    try:
        applied = apply(settings, name, gateway, project, pins, progress)
    except AuditError as error:
        return Review(name, planned, None, None, str(error))
    return Review(name, planned, applied, diff(settings, name, gateway, project, pins))


def _row(model: str, table: TableDiff) -> str:
    counts = (table.rows_before, table.rows, table.added, table.removed, table.changed)
    return f"| `{model}` | " + " | ".join(f"{count:,}" for count in counts) + " |"


def _details(model: str, table: TableDiff) -> list[str]:
    lines = table.lines(model)
    return ["", f"<details><summary>{model}</summary>", "", "```", *lines[1:], "```", "</details>"]
