"""A transform: silver and gold built from pinned bronze, audited, with a row for every audit."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from lake.audits import AuditResult
from lake.builds import Standing, standing_build
from lake.errors import AuditError, BoathouseError, ServiceError
from lake.pins import Pin
from lake.recipes import Found, named, results_of
from lake.settings import Settings
from lake.snowflake_errors import sentence
from lake.warehouse import PROJECT, STATE, bronze_columns, check_files, fingerprint, open_project

if TYPE_CHECKING:
    from sqlmesh import Context

    from lake.increments import Increment

Progress = Callable[[str], None]
ENVIRONMENT = "prod"


@dataclass(frozen=True)
class TransformResult:
    """A finished transform: every audit's result, and the files it was built from (see fingerprint)."""

    audits: list[AuditResult]
    models: dict[str, str]


class FailedAuditError(AuditError):
    """A blocking audit found offenders; ``audits`` are the results up to there."""

    def __init__(self, message: str, audits: list[AuditResult]) -> None:
        self.audits = audits
        super().__init__(message)


def transform(
    settings: Settings,
    pins: Mapping[str, Pin],
    progress: Progress | None = None,
    project: Path = PROJECT,
    *,
    anew: bool = False,
) -> TransformResult:
    """Build silver and gold from bronze at ``pins`` (table without namespace to Pin), and audit them.

    Only what follows from news in bronze, or from changed files, is built; ``anew`` builds everything.
    ``progress`` is called with the name of each model as it begins. May be killed at any point and called again.
    Raises AuditError when a blocking audit finds offenders, LockedError when another process has the
    warehouse open, ServiceError when a model can't be built or the warehouse is broken.
    """
    check_files(settings)
    models = fingerprint(project)
    standing = None if anew else standing_build(settings, models)
    if standing is not None:
        audits = _followed(settings, pins, standing, project, progress)
        if audits is not None:
            return TransformResult(audits, models)
        anew = True
    with quiet_console(progress) as failures, open_project(settings, pins, project) as context:
        return TransformResult(build_increment(context, failures, pins, project, anew=anew), models)


def _followed(
    settings: Settings, pins: Mapping[str, Pin], standing: Standing, project: Path, progress: Progress | None
) -> list[AuditResult] | None:
    """Have the warehouse follow bronze without SQLMesh, since no model changed; None when that takes a whole build."""
    if standing.is_of(pins):
        return standing.build.results
    from lake.refresh import refresh

    return refresh(settings, pins, standing.build, project, progress)


def build_increment(
    context: "Context", failures: list[Any], pins: Mapping[str, Pin], project: Path = PROJECT, *, anew: bool = False
) -> list[AuditResult]:
    """Bring everything in an open project on the warehouse up to ``pins``, and give every audit's result.

    An increment that fails an audit is followed by a whole build: what stood there before may be what is broken,
    and then it is mended. ``failures`` are the quiet console's. Raises as transform does.
    """
    from lake.increments import Increment

    models = fingerprint(project)
    built = [model for model in context.models.values() if not model.kind.is_external]
    reads = {parent for model in built for parent in model.depends_on}
    followed = frozenset(named(model) for model in built if model.fqn in reads)
    cursor, columns = context.engine_adapter.cursor, bronze_columns(project)
    increment = Increment.of(cursor, pins, columns, followed, anew=anew)
    known = increment.base is not None and increment.base.models == models and increment.known
    last = increment.base.results if increment.base and known else []
    try:
        audits = build_audited(context, failures, increment, last)
    except FailedAuditError:
        if increment.base is None:
            raise
        failures.clear()
        return build_increment(context, failures, pins, project, anew=True)
    increment.finish(models, [asdict(audit) for audit in audits])
    return audits


def build_audited(
    context: "Context", failures: Sequence[Any], increment: "Increment | None" = None, last: Sequence[AuditResult] = ()
) -> list[AuditResult]:
    """Build everything in an open project, on whatever gateway, and give every audit's result.

    With an increment only what is new is built, and the ``last`` results stand for what stayed as it was.
    ``failures`` are the quiet console's. Raises as transform does.
    """
    audits = audited(context, failures, lambda: _build(context), increment, last)
    seen = {audit.model for audit in audits}
    models = (model for model in context.models.values() if model.audits_with_args and not model.kind.is_seed)
    missed = sorted(model.name for model in models if model.name not in seen)
    if missed:
        raise ServiceError(f"{missed[0]} was not built again; remove the state folder's {STATE} and run again.")
    return audits


def audited(
    context: "Context",
    failures: Sequence[Any],
    build: Callable[[], None],
    increment: "Increment | None" = None,
    last: Sequence[AuditResult] = (),
) -> list[AuditResult]:
    """Run ``build`` on an open project, and give the result of every audit. Raises as build_audited does."""
    from lake.evaluation import Evaluator

    evaluator = Evaluator(context.snapshot_evaluator, increment)
    evaluator.standing = frozenset(audit.model for audit in last)
    context._snapshot_evaluator = evaluator
    try:
        build()
    except Exception as error:
        explain(error, failures, _results(context, evaluator.found, increment))
    stood = [audit for audit in last if increment is not None and audit.model in increment.unaudited]
    found = _results(context, evaluator.found, increment)
    return sorted([*found, *stood], key=lambda audit: (audit.model, audit.audit))


def _build(context: "Context") -> None:
    """Build every model in one plan, whatever state the last run left behind.

    SQLMesh is made to forget what it has built, since that came from other bronze: what is new is for the
    evaluator to know. ``when`` is after every model's last interval, also when the clock was set back.
    """
    before = context.plan_builder(ENVIRONMENT, run=True, ignore_cron=True, skip_tests=True).build()
    built = [snapshot for snapshot in before.snapshots.values() if snapshot.is_model and snapshot.intervals]
    stale = [snapshot for snapshot in built if not (snapshot.model.kind.is_external or snapshot.model.kind.is_seed)]
    spans = [(snapshot, (snapshot.intervals[0][0], snapshot.intervals[-1][1])) for snapshot in stale]
    if spans:
        _forget(context, spans)
    when = max([time.time_ns() // 1_000_000, *(snapshot.intervals[-1][1] + 1000 for snapshot in built)])
    plan = context.plan_builder(ENVIRONMENT, execution_time=when, run=True, ignore_cron=True, skip_tests=True).build()
    context.apply(plan)


def _forget(context: "Context", spans: Sequence[tuple[Any, tuple[int, int]]]) -> None:
    """Make SQLMesh forget the intervals that it has built.

    What else it remembers is kept, which takes seconds to read again, unless a model is new: a new version of one
    takes its intervals from the version before.
    """
    cached: Any = context.state_sync
    known = cached.get_snapshots([snapshot for snapshot, _ in spans])
    cached.state_sync.remove_intervals(spans, remove_shared_versions=True)
    if len(known) < len(spans):
        cached.clear_cache()
        return
    for snapshot, span in spans:
        known[snapshot.snapshot_id].remove_interval(span)


def _results(
    context: "Context", found: Mapping[tuple[str, str], Found], increment: "Increment | None"
) -> list[AuditResult]:
    if increment is not None:
        return results_of(increment.connection, {name: one.table for name, one in increment.recipes.items()}, found)
    snapshots = {str(one.model.name): one for one in context.snapshots.values() if one.is_model}
    tables = {name: str(one.table_name()) if one.version else name for name, one in snapshots.items()}
    return results_of(context.engine_adapter.cursor, tables, found)


@contextmanager
def quiet_console(progress: Progress | None) -> Iterator[list[Any]]:
    """Keep SQLMesh from printing; hand its models to ``progress`` and its failures to the caller."""
    from sqlmesh.core.console import NoopConsole, get_console, set_console

    failures: list[Any] = []

    class Quiet(NoopConsole):
        """A console that says nothing itself."""

        def start_snapshot_evaluation_progress(self, snapshot: Any, audit_only: bool = False) -> None:
            if progress is not None:
                progress(snapshot.node.name)

        def log_warning(self, short_message: str, long_message: str | None = None) -> None:
            """Say nothing: what matters comes back as an audit's result or an error."""

        def log_failed_models(self, errors: list[Any]) -> None:
            failures.extend(errors)

    before = get_console()
    set_console(Quiet())
    try:
        yield failures
    finally:
        set_console(before)


def explain(error: Exception, failures: Sequence[Any], audits: list[AuditResult]) -> NoReturn:
    """Raise the one sentence that a failed plan comes down to; what is a sentence already stays."""
    failed = [audit for audit in audits if audit.blocking and not audit.passed]
    if failed:
        more = f" and {len(failed) - 1} more audits failed" if len(failed) > 1 else ""
        first = failed[0]
        raise FailedAuditError(
            f"The audit {first.audit} of {first.model} found {first.offenders} offending rows of {first.rows}{more}; "
            "the release before stays current.",
            audits,
        ) from None
    cause: BaseException = failures[0] if failures else error
    where = f"The model {_named(failures[0].node)}" if failures else "The project of models"
    while cause.__cause__ is not None:
        cause = cause.__cause__
    known = sentence(cause) or (cause if isinstance(cause, BoathouseError) else None)
    if known is not None:
        raise known from None
    why = (str(cause).strip() or type(cause).__name__).splitlines()[0]
    raise ServiceError(f"{where} can't be built: {why}") from None


def _named(node: Any) -> str:
    """Name the model that one of SQLMesh's nodes builds, without its catalogue and quotes."""
    full = str(getattr(node, "snapshot_name", None) or node.name)
    return ".".join(full.replace('"', "").split(".")[-2:]).lower()
