"""Virtual environments: what a change to the models would do, done aside, and shown to everyone by moving views."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake.audits import AuditResult
from lake.catalogue import open_catalogue
from lake.errors import SettingError, UnknownNameError
from lake.pins import Pin, pin_tables
from lake.releases import current_release
from lake.settings import Settings
from lake.snowflake_project import GATEWAY as SNOWFLAKE
from lake.snowflake_project import open_snowflake
from lake.transforms import ENVIRONMENT as PROD
from lake.transforms import Progress, audited, build_audited, build_increment, explain, quiet_console
from lake.warehouse import PROJECT, check_files, open_project

if TYPE_CHECKING:
    from sqlmesh import Context

DUCKDB = "duckdb"
GATEWAYS = (DUCKDB, SNOWFLAKE)
Pins = Mapping[str, Pin]


@dataclass(frozen=True)
class Plan:
    """What applying the files to an environment would do, every model by its name such as ``gold.dim_date``.

    ``indirectly`` are the models that only follow from a changed one; ``to_build`` those without a table yet.
    """

    environment: str
    gateway: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    directly: tuple[str, ...]
    indirectly: tuple[str, ...]
    to_build: tuple[str, ...]

    @property
    def changes(self) -> bool:
        """Whether any model differs from what the environment shows."""
        return bool(self.added or self.removed or self.directly or self.indirectly)

    @property
    def changed(self) -> tuple[str, ...]:
        """The models that the files say otherwise than the environment, or that have no table yet."""
        return _sorted((*self.added, *self.directly, *self.indirectly, *self.to_build))

    def lines(self) -> list[str]:
        """Say it in lines of text."""
        parts = {
            "new": self.added,
            "removed": self.removed,
            "changed": self.directly,
            "follows": self.indirectly,
            "to build": self.to_build,
        }
        said = [f"{name:<8} {model}" for name, models in parts.items() for model in models]
        return [f"plan {self.environment} on {self.gateway}:", *(said or ["nothing changes"])]


@dataclass(frozen=True)
class Applied:
    """An applied plan, with what each audit that ran found."""

    plan: Plan
    audits: list[AuditResult]

    def lines(self) -> list[str]:
        """Say it in lines of text."""
        failed = [f"warning  {audit.audit} of {audit.model}" for audit in self.audits if not audit.passed]
        where = f"{self.plan.environment} on {self.plan.gateway}"
        return [f"apply {where}: {len(self.plan.to_build)} models built, {len(self.audits)} audits", *failed]


@dataclass(frozen=True)
class Promoted:
    """The models whose production views were moved; nothing was built."""

    environment: str
    gateway: str
    moved: tuple[str, ...]

    def lines(self) -> list[str]:
        """Say it in lines of text."""
        head = f"promote {self.environment} on {self.gateway}: {len(self.moved)} views moved, nothing built"
        return [head, *(f"moved    {model}" for model in self.moved)]


def plan(
    settings: Settings, environment: str, gateway: str = DUCKDB, project: Path = PROJECT, pins: Pins | None = None
) -> Plan:
    """Say what applying the files to an environment would do, and do nothing.

    ``pins`` is the bronze that DuckDB sees; the current release's when not given. Raises UnknownNameError for a
    gateway that doesn't exist and what the gateway raises (see open_gateway).
    """
    with quiet_console(None) as failures, open_gateway(settings, gateway, project, pins) as context:
        try:
            return _described(_planned(context, environment), gateway)
        except Exception as error:
            explain(error, failures, [])


def apply(
    settings: Settings,
    environment: str,
    gateway: str = DUCKDB,
    project: Path = PROJECT,
    pins: Pins | None = None,
    progress: Progress | None = None,
) -> Applied:
    """Build what an environment lacks and point its views there. May be killed at any point and called again.

    Production is built anew from bronze, like a transform; another environment builds only the models that
    differ from production's. Raises AuditError when a blocking audit fails, else as plan does.
    """
    if pins is None and gateway == DUCKDB:
        pins = current_pins(settings)
    with quiet_console(progress) as failures, open_gateway(settings, gateway, project, pins) as context:
        try:
            described = _described(_planned(context, environment), gateway)
            planned = _planned(context, environment, build=described.changed)
        except Exception as error:
            explain(error, failures, [])
        if environment == PROD and gateway == DUCKDB:
            return Applied(described, build_increment(context, failures, pins or {}, project))
        if environment == PROD:
            return Applied(described, build_audited(context, failures))
        return Applied(described, audited(context, failures, lambda: context.apply(planned)))


def promote(
    settings: Settings, environment: str, gateway: str = DUCKDB, project: Path = PROJECT, pins: Pins | None = None
) -> Promoted:
    """Point production's views at an environment's tables; nothing is built.

    Raises SettingError when the environment doesn't exist or isn't what the files say: apply it first.
    """
    with quiet_console(None) as failures, open_gateway(settings, gateway, project, pins) as context:
        try:
            ready = {snapshot.snapshot_id for snapshot in snapshots_of(context, environment)}
            planned = _planned(context, PROD, build=())
            described = _described(planned, gateway)
            models = [one for one in planned.snapshots.values() if one.is_model and not one.is_external]
            late = [one for one in models if one.snapshot_id not in ready or name_of(one) in described.to_build]
            if late:
                raise SettingError(
                    f"The environment {environment} isn't what the files say ({name_of(late[0])} differs); "
                    f"apply {environment} first."
                )
            context.apply(planned)
        except Exception as error:
            explain(error, failures, [])
        moved = (*described.added, *described.removed, *described.directly, *described.indirectly)
        return Promoted(environment, gateway, tuple(sorted(moved)))


@contextmanager
def open_gateway(
    settings: Settings, gateway: str, project: Path = PROJECT, pins: Pins | None = None
) -> Iterator["Context"]:
    """Open the project on a gateway; on DuckDB with the current release's bronze, or all there is, in view.

    Raises UnknownNameError, and SettingError, LockedError or ServiceError as the gateway does.
    """
    if gateway == SNOWFLAKE:
        with open_snowflake(settings, project) as context:
            yield context
        return
    if gateway != DUCKDB:
        raise UnknownNameError("gateway", gateway, GATEWAYS)
    check_files(settings)
    with open_project(settings, current_pins(settings) if pins is None else pins, project) as context:
        yield context


def current_pins(settings: Settings) -> Pins:
    """Give the bronze of the current release, or all there is before the first."""
    catalogue = open_catalogue(settings)
    release = current_release(catalogue)
    return release.bronze if release else pin_tables(catalogue, "bronze")


def snapshots_of(context: "Context", environment: str) -> list[Any]:
    """Give the snapshots that an environment shows. Raises UnknownNameError when it doesn't exist."""
    found = context.state_reader.get_environment(environment_name(environment))
    if found is None or found.expired:
        known = [one.name for one in context.state_reader.get_environments_summary()]
        raise UnknownNameError("environment", environment, known)
    snapshots = context.state_reader.get_snapshots(found.snapshots)
    return [snapshot for snapshot in snapshots.values() if snapshot.is_model and not snapshot.is_external]


def environment_name(text: str) -> str:
    """Write a name as environments have it: small letters, digits and underscores, so that ``pr-123`` is ``pr_123``."""
    return re.sub(r"[^a-z0-9_]", "_", text.lower())


def name_of(snapshot: Any) -> str:
    """Give a model's name as the files say it, such as ``gold.dim_date``."""
    return str(snapshot.model.name).lower()


def _planned(context: "Context", environment: str, build: Sequence[str] | None = None) -> Any:
    """Plan an environment; ``build`` names the only models that may be built, since the rest is production's."""
    only = None if build is None or environment == PROD else list(build)
    return context.plan_builder(
        environment,
        include_unmodified=True,
        backfill_models=only or None,
        skip_backfill=build is not None and not only,
        skip_tests=True,
    ).build()


def _described(planned: Any, gateway: str) -> Plan:
    names = {snapshot_id: name_of(snapshot) for snapshot_id, snapshot in planned.snapshots.items()}
    diff = planned.context_diff
    changed = {*planned.directly_modified, *(one for ids in planned.indirectly_modified.values() for one in ids)}
    empty = [
        snapshot
        for snapshot in planned.snapshots.values()
        if snapshot.is_model and not snapshot.is_external and not snapshot.intervals
    ]
    added = {one for one in diff.added if one in names and not planned.snapshots[one].is_external}
    return Plan(
        environment=planned.environment.name,
        gateway=gateway,
        added=_sorted(names[one] for one in added),
        removed=_sorted(name_of(snapshot) for snapshot in diff.removed_snapshots.values()),
        directly=_sorted(names[one] for one in planned.directly_modified if one not in added),
        indirectly=_sorted(names[one] for one in changed - set(planned.directly_modified) - added),
        to_build=_sorted(name_of(snapshot) for snapshot in empty),
    )


def _sorted(names: Any) -> tuple[str, ...]:
    return tuple(sorted(set(names)))
