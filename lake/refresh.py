"""A refresh: what follows from news in bronze, built by the recipes of the last build, without reading the models."""

from collections.abc import Callable, Container, Mapping
from dataclasses import asdict
from pathlib import Path

import duckdb

from lake.audits import AuditResult
from lake.builds import Build
from lake.errors import ServiceError
from lake.increments import Increment
from lake.pins import Pin
from lake.recipes import Recipe, results_of
from lake.settings import Settings
from lake.warehouse import bronze_columns, open_warehouse


def refresh(
    settings: Settings,
    pins: Mapping[str, Pin],
    base: Build,
    project: Path,
    progress: Callable[[str], None] | None = None,
) -> list[AuditResult] | None:
    """Bring the warehouse from ``base`` up to ``pins``, and give every audit's result.

    None when that takes a whole build: there are no recipes, the warehouse holds what ``pins`` don't, or an audit
    failed. Raises LockedError when another process has the warehouse open, ServiceError when a model can't be built.
    """
    with open_warehouse(settings, pins, project) as connection:
        increment = Increment.of(connection, pins, bronze_columns(project))
        if increment.base is None or increment.known.keys() != base.tables.keys():
            return None
        last = base.results
        standing = {audit.model for audit in last}
        for recipe in increment.known.values():
            if progress is not None:
                progress(recipe.name)
            if not _passes(increment, recipe, standing):
                return None
        found = results_of(connection, {one.name: one.table for one in increment.known.values()}, increment.found)
        stood = [audit for audit in last if audit.model in increment.unaudited]
        audits = sorted([*found, *stood], key=lambda audit: (audit.model, audit.audit))
        increment.finish(base.models, [asdict(audit) for audit in audits])
        return audits


def _passes(increment: Increment, recipe: Recipe, standing: Container[str]) -> bool:
    """Build and audit one model, and say whether the build may go on."""
    try:
        increment.build(recipe)
        return not any(one.blocking and one.offenders for one in increment.audit(recipe, standing))
    except duckdb.Error as error:
        why = str(error).strip().splitlines()[0]
        raise ServiceError(f"The model {recipe.name} can't be built: {why}") from None
