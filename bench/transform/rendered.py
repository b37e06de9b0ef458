"""The project's models as plain SQL, in the order in which they are built, for contestants that know no SQLMesh."""

from pathlib import Path
from typing import Any

from sqlglot import exp

from lake.keys import Rule
from lake.recipes import named
from lake.settings import Settings
from lake.warehouse import PROJECT, open_project

Rendered = dict[str, Any]


def render(settings: Settings, project: Path = PROJECT) -> list[Rendered]:
    """Give each model's name, query, key, the models and bronze tables it reads, and its audits' queries.

    Names are those of the views, ``"warehouse"."silver"."x"``; the seed is a query too.
    """
    with open_project(settings, {}, project) as context:
        models = [model for name in context.dag.sorted if not (model := context.models[name]).kind.is_external]
        return [rendered(model, context) for model in models]


def rendered(model: Any, context: Any) -> Rendered:
    """Give one of them, out of an open project."""
    rule, query = Rule.of(model), _seed(model) if model.kind.is_seed else model.render_query_or_raise().sql("duckdb")
    audits = [
        model.render_audit_query(audit, **{name: one for name, one in given.items() if name != "blocking"})
        for audit, given in model.audits_with_args
    ]
    return {
        "model": named(model),
        "query": query,
        "key": list(rule.key) if rule else [],
        "reads": sorted(named(context.models[name]) for name in model.depends_on),
        "audits": [exp.select("COUNT(*)").from_(audit.subquery("audit")).sql("duckdb") for audit in audits],
    }


def _seed(model: Any) -> str:
    columns = ", ".join(f'CAST("{name}" AS {kind}) AS "{name}"' for name, kind in model.columns_to_types.items())
    return f"SELECT {columns} FROM read_csv('{model.seed_path}', all_varchar = true)"
