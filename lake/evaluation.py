"""How a build evaluates: each model by what is new, and every audit with its result kept."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlglot import exp, parse_one
from sqlmesh.core.model.definition import AuditResult
from sqlmesh.core.snapshot import SnapshotEvaluator

from lake.audits import SAMPLED, sample_of
from lake.failpoints import reached
from lake.increments import Increment
from lake.keys import Rule
from lake.recipes import Check, Found, Recipe, named

NOTHING = "SELECT NULL WHERE FALSE"


class Evaluator(SnapshotEvaluator):
    """SQLMesh's evaluator, which keeps the audits' results, also of those that passed: ``found``.

    With an increment each model becomes a recipe, by which the increment builds only what is new, and audits a model
    only when it, or what the audit compares it with, has changed.
    """

    def __init__(self, plain: SnapshotEvaluator, increment: Increment | None = None) -> None:
        super().__init__(plain.adapters, plain.ddl_concurrent_tasks, plain.selected_gateway)
        self.increment = increment
        self.found: dict[tuple[str, str], Found] = {} if increment is None else increment.found
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
        snapshots = options["snapshots"]
        for seed in (snapshots[parent.name] for parent in snapshot.parents):
            if seed.is_seed and named(seed.model) not in self.increment.recipes:  # SQLMesh has loaded it before.
                recipe = self._recipe(seed, {seed.name: seed})
                self.increment.build(recipe, lambda: None)
                self.increment.audit(recipe, self.standing)
        plainly = super().evaluate
        make = (lambda: plainly(snapshot, **options)) if snapshot.is_seed else None
        self.increment.build(self._recipe(snapshot, snapshots), make)
        return None

    def audit(self, snapshot: Any, **options: Any) -> list[Any]:
        """Audit a model, and keep what each audit found."""
        if self.increment is None:
            return self._audited(snapshot, options)
        recipe = self.increment.recipes[named(snapshot.model)]
        found = self.increment.audit(recipe, self.standing)
        return [
            AuditResult(
                audit=audit,
                audit_args=given,
                model=snapshot.model,
                count=one.offenders,
                query=parse_one(check.query, dialect="duckdb") if one.offenders else None,
                blocking=check.blocking,
            )
            for (audit, given), check, one in zip(snapshot.model.audits_with_args, recipe.checks, found, strict=False)
        ]

    def _audited(self, snapshot: Any, options: Mapping[str, Any]) -> list[Any]:
        results = super().audit(snapshot, **options)
        for result in results:
            if not result.skipped:
                sample = _sampled(self.get_adapter(snapshot.model_gateway), result.query) if result.count else ""
                name = _audit_name(result.audit, result.audit_args)
                self.found[str(snapshot.model.name), name] = Found(
                    int(result.count or 0), bool(result.blocking), sample
                )
        return results

    def _recipe(self, snapshot: Any, snapshots: Mapping[str, Any]) -> Recipe:
        """Give a model's recipe, the one of the last build where nothing about the model is other than then."""
        assert self.increment is not None
        model, table = snapshot.model, str(snapshot.table_name())
        parents = [snapshots[parent.name] for parent in snapshot.parents]
        tables = {exp.table_name(_table(parent)): named(parent.model) for parent in parents}
        version, known = snapshot.fingerprint.to_identifier(), self.increment.known.get(named(model))
        if known is not None and (known.version, known.table, known.tables) == (version, table, tables):
            return known
        query = "" if snapshot.is_seed else _query(model, parents)
        described = {"": model.description} if model.description else {}
        return Recipe(
            name=named(model),
            table=table,
            version=version,
            tables=tables,
            query=query,
            rule=Rule.of(model),
            comments=described | model.column_descriptions,
            checks=tuple(_check(model, audit, given, snapshots) for audit, given in model.audits_with_args),
        )


def _table(snapshot: Any) -> str:
    return named(snapshot.model) if snapshot.model.kind.is_external else str(snapshot.table_name())


def _query(model: Any, parents: Iterable[Any]) -> str:
    """Write what a model holds over its inputs' tables: SQLMesh knows the SQL over their views by heart."""
    query = str(model.render_query_or_raise().sql("duckdb", comments=False))
    for parent in parents:
        if not parent.model.kind.is_external:
            query = query.replace(parent.model.fqn, str(parent.table_name()))
    return query


def _check(model: Any, audit: Any, given: Mapping[str, Any], snapshots: Mapping[str, Any]) -> Check:
    """Write an audit as SQL; one that is to be skipped finds nothing."""
    asked = {name: one for name, one in given.items() if name != "blocking"}
    blocking = given["blocking"] == exp.true() if "blocking" in given else audit.blocking
    query = NOTHING if audit.skip else model.render_audit_query(audit, snapshots=snapshots, **asked).sql("duckdb")
    compared = tuple(sorted(_compared(audit, given.values())))
    return Check(_audit_name(audit, asked), bool(blocking), query, compared)


def _compared(audit: Any, given: Iterable[exp.Expr]) -> set[str]:
    """Name the tables that an audit compares a model with."""
    queried = (exp.table_name(table) for table in audit.query.find_all(exp.Table))
    told = (node.sql("duckdb") for one in given for node in one.find_all(exp.Table, exp.Column, exp.Dot))
    names = {name.replace('"', "").lower() for name in (*queried, *told)}
    return {name for name in names if name.startswith(("silver.", "gold.", "lake.bronze."))}


def _audit_name(audit: Any, given: Mapping[str, Any]) -> str:
    """Name an audit with its arguments, since one model can have the same audit twice."""
    arguments = (f"{name}={value.sql()}" for name, value in sorted(given.items()) if name != "blocking")
    return f"{audit.name}({', '.join(arguments)})"


def _sampled(adapter: Any, query: Any) -> str:
    """Show some of what an audit's query finds, by the form of its values."""
    frame = adapter.fetchdf(query.limit(SAMPLED), quote_identifiers=True)
    return sample_of([{str(name): value for name, value in row.items()} for row in frame.to_dict("records")])
