"""Virtual environments from the command line: plan, apply, diff, promote and review, on either gateway."""

import sys

from boathouse.console import console
from boathouse.workplace import open_lake
from lake import environment_diffs, environments, reviews
from lake.errors import AuditError, SettingError
from lake.locks import writing
from lake.settings import Settings

FORMS = ("text", "markdown")


def plan(settings: Settings, environment: str, gateway: str) -> None:
    """Print what applying the models' files to ``environment`` would do. Raises BoathouseError."""
    with writing(settings, "boathouse plan"), open_lake(settings) as live:
        found = environments.plan(live, environment, gateway)
    _print(found.lines())
    _end(f"plan: {len(found.changed)} models differ, {len(found.to_build)} would be built in {environment}")


def apply(settings: Settings, environment: str, gateway: str) -> None:
    """Build what ``environment`` lacks and audit it. Raises BoathouseError."""
    with (
        writing(settings, "boathouse apply"),
        open_lake(settings) as live,
        console.status(f"applying {environment} …") as status,
    ):
        applied = environments.apply(
            live, environment, gateway, progress=lambda model: status.update(f"building {model}")
        )
    _print(applied.lines())
    _end(f"apply: ok · {len(applied.plan.to_build)} models built in {environment} on {gateway}")


def diff(settings: Settings, environment: str, gateway: str) -> None:
    """Print how the tables of ``environment`` differ from production's. Raises BoathouseError."""
    with writing(settings, "boathouse diff"), open_lake(settings) as live:
        found = environment_diffs.diff(live, environment, gateway)
    _print(found.lines())
    _end(f"diff: {environment} compared with production on {gateway}")


def promote(settings: Settings, environment: str, gateway: str) -> None:
    """Point production's views at the tables of ``environment``. Raises BoathouseError."""
    with writing(settings, "boathouse promote"), open_lake(settings) as live:
        promoted = environments.promote(live, environment, gateway)
    _print(promoted.lines())
    _end(f"promote: ok · {len(promoted.moved)} views moved, nothing built")


def review(settings: Settings, environment: str, gateway: str, form: str) -> None:
    """Build ``environment`` aside and print how it differs from production, as text or Markdown.

    Raises SettingError for another form, AuditError after having said so when an audit failed, else BoathouseError.
    """
    if form not in FORMS:
        raise SettingError(f"--format is '{form}'; it takes {' or '.join(FORMS)}.")
    with (
        writing(settings, "boathouse review"),
        open_lake(settings) as live,
        console.status(f"reviewing {environment} …") as status,
    ):
        found = reviews.review(live, environment, gateway, progress=lambda model: status.update(f"building {model}"))
    if form == "markdown":
        sys.stdout.write(found.markdown())
    else:
        _print(found.lines())
    if found.failure:
        raise AuditError(found.failure)
    if form != "markdown":
        _end(f"review: ok · {len(found.plan.changed)} models differ in {found.environment}")


def _print(lines: list[str]) -> None:
    for line in lines:
        console.print(line, soft_wrap=True, markup=False)


def _end(line: str) -> None:
    console.print(line, soft_wrap=True, style="bold")
