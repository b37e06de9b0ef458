"""A trial of the unit tests: does one of a model's fail when the model has a defect?"""

import logging
from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlglot.errors import SqlglotError
from sqlmesh.core.model.common import ParsableSql
from sqlmesh.core.test.runner import run_tests
from sqlmesh.utils import UniqueKeyDict
from sqlmesh.utils.errors import SQLMeshError

from tests.mutation.defects import Defect, defects


class Outcome(NamedTuple):
    """A defect of a model, and whether a test noticed it."""

    model: str
    defect: Defect
    caught: bool


def models_of(context: Any) -> list[Any]:
    """Give the models that have SQL of their own, by name."""
    found = [model for model in context.models.values() if not (model.kind.is_external or model.kind.is_seed)]
    return sorted(found, key=lambda model: str(model.name))


def try_defects(context: Any, model: Any, every: int = 1, first: int = 0) -> Iterator[Outcome]:
    """Try a model's defects, ``every`` n-th from the ``first`` on, on the project's unit tests of this model."""
    told = [one for one in context._model_test_metadata if one.body["model"].lower() == str(model.name).lower()]
    for defect in list(defects(model.query))[first::every]:
        yield Outcome(str(model.name), defect, _fails(context, model, defect, told))


def _fails(context: Any, model: Any, defect: Defect, told: list[Any]) -> bool:
    models: UniqueKeyDict[str, Any] = UniqueKeyDict("models")
    models.update(context.models)
    wrong = model.copy(update={"query_": ParsableSql(sql=defect.query.sql(model.dialect))})
    dict.__setitem__(models, model.fqn, wrong)
    logging.disable(logging.CRITICAL)
    try:
        result = run_tests(
            told,
            models,
            context.config,
            context.selected_gateway,
            context.default_dialect,
            default_catalog=context.default_catalog,
        )
    except (SQLMeshError, SqlglotError):
        return True  # What can't even be run is noticed.
    finally:
        logging.disable(logging.NOTSET)
    return not result.wasSuccessful()
