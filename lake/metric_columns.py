"""The metrics held against the models: every table and column that they name exists, and amounts have a currency."""

from collections.abc import Iterator, Mapping

import sqlglot
from sqlglot import expressions as sql

from lake.errors import SettingError
from lake.metrics import CURRENCY, Measure, Metric
from lake.models import Model

TIMES = ("DATE", "TIMESTAMP", "TIMESTAMPTZ")


def check_columns(metrics: Mapping[str, Metric], models: Mapping[str, Model]) -> None:
    """See that what the metrics are made of is there. Raises SettingError that names the first that is wrong."""
    for metric in metrics.values():
        for wrong in _wrong(metric, models):
            raise SettingError(f"The metric '{metric.name}' in metrics.yaml is wrong: {wrong}.")


def _wrong(metric: Metric, models: Mapping[str, Model]) -> Iterator[str]:
    for measure in metric.measures:
        model = models.get(measure.table)
        if model is None:
            yield f"there is no table {measure.table}"
            continue
        columns = model.types
        named = [*_columns(measure), measure.time, *metric.dimensions]
        yield from (f"{measure.table} has no column {name}" for name in named if name not in columns)
        if columns.get(measure.time) not in TIMES:
            yield f"its time {measure.time} is no date"
        if metric.adds_money and CURRENCY not in columns:
            yield f"{measure.table} has no column {CURRENCY} that says what its amounts are in"
    if metric.is_money and CURRENCY not in metric.dimensions:
        yield f"amounts take the dimension {CURRENCY}, since those of several aren't added up"


def _columns(measure: Measure) -> list[str]:
    texts = [text for text in (measure.expression, measure.filter) if text]
    trees = [sqlglot.parse_one(text, dialect="duckdb") for text in texts]
    return [column.name for tree in trees for column in tree.find_all(sql.Column)]
