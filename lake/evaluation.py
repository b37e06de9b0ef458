"""How a build evaluates: each model by what is new, and every audit with its result kept."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlglot import exp
from sqlmesh.core.macros import RuntimeStage
from sqlmesh.core.snapshot import DeployabilityIndex, SnapshotEvaluator

from lake.audits import SAMPLED, sample_of
from lake.failpoints import reached
from lake.increments import Increment, named


class Found(NamedTuple):
    """What an audit found as it ran: how many offenders, whether they stop the build, some of them masked."""

    offenders: int
    blocking: bool
    sample: str


class Evaluator(SnapshotEvaluator):
    """SQLMesh's evaluator, which keeps the audits' results, also of those that passed: ``found``.

    With an increment it builds only what is new, and audits a model only when it, or what the audit compares it
    with, has changed; ``unaudited`` are the models whose last results still stand.
    """

    def __init__(self, plain: SnapshotEvaluator, increment: Increment | None = None) -> None:
        super().__init__(plain.adapters, plain.ddl_concurrent_tasks, plain.selected_gateway)
        self.increment = increment
        self.found: dict[tuple[str, str], Found] = {}
        self.unaudited: set[str] = set()
        self.standing: frozenset[str] = frozenset()

    def set_correlation_id(self, correlation_id: Any) -> SnapshotEvaluator:
        """Stay what it is, where SQLMesh would go on with a plain one."""
        return self

    def promote(self, *args: Any, **options: Any) -> None:
        """Point the views at the models' tables."""
        reached("transform.promoting")
        super().promote(*args, **options)
        reached("transform.promoted")

    def evaluate(self, snapshot: Any, **options: Any) -> str | None:
        """Build a model, or bring it up to date."""
        if self.increment is None or not snapshot.is_model:
            return super().evaluate(snapshot, **options)
        self.increment.build(
            snapshot,
            options["snapshots"],
            lambda: self._query(snapshot, options),
            lambda: self._replace(snapshot, options),
        )
        return None

    def audit(self, snapshot: Any, **options: Any) -> list[Any]:
        """Audit a model, and keep what each audit found."""
        name = str(snapshot.model.name)
        if name in self.standing and self._is_as_before(snapshot.model):
            self.unaudited.add(name)
            return []
        results = super().audit(snapshot, **options)
        for result in results:
            if not result.skipped:
                sample = _sampled(self.get_adapter(snapshot.model_gateway), result.query) if result.count else ""
                self.found[name, _audit_name(result)] = Found(int(result.count or 0), bool(result.blocking), sample)
        return results

    def _replace(self, snapshot: Any, options: Mapping[str, Any]) -> None:
        super().evaluate(snapshot, **options)
        reached("transform.replaced")

    def _query(self, snapshot: Any, options: Mapping[str, Any]) -> exp.Query:
        times = {name: options[name] for name in ("start", "end", "execution_time")}
        rendered = self._render_snapshot_for_evaluation(
            snapshot,
            options["snapshots"],
            options.get("deployability_index") or DeployabilityIndex.all_deployable(),
            {**times, "snapshot": snapshot, "runtime_stage": RuntimeStage.EVALUATING},
        )
        query = next(rendered)
        assert isinstance(query, exp.Query)
        return query

    def _is_as_before(self, model: Any) -> bool:
        assert self.increment is not None
        others = {name for audit, given in model.audits_with_args for name in _compared(audit, given.values())}
        return all(self.increment.is_unchanged(name) for name in {named(model), *others})


def _compared(audit: Any, given: Iterable[exp.Expr]) -> set[str]:
    """Name the tables that an audit compares a model with."""
    queried = (exp.table_name(table) for table in audit.query.find_all(exp.Table))
    told = (node.sql("duckdb") for one in given for node in one.find_all(exp.Table, exp.Column, exp.Dot))
    names = {name.replace('"', "").lower() for name in (*queried, *told)}
    return {name for name in names if name.startswith(("silver.", "gold.", "lake.bronze."))}


def _audit_name(result: Any) -> str:
    """Name an audit with its arguments, since one model can have the same audit twice."""
    arguments = (f"{name}={value.sql()}" for name, value in sorted(result.audit_args.items()) if name != "blocking")
    return f"{result.audit.name}({', '.join(arguments)})"


def _sampled(adapter: Any, query: Any) -> str:
    """Show some of what an audit's query finds, by the form of its values."""
    frame = adapter.fetchdf(query.limit(SAMPLED), quote_identifiers=True)
    return sample_of([{str(name): value for name, value in row.items()} for row in frame.to_dict("records")])
