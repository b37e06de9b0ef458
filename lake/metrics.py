"""What a metric is: its definition, read from ``sqlmesh/metrics.yaml`` and checked."""

import re
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import sqlglot
import yaml
from sqlglot import expressions as sql

from lake.errors import SettingError, UnknownNameError

DEFINITIONS = Path(__file__).parent.parent / "sqlmesh" / "metrics.yaml"
MONEY = "currency"
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
TABLE = re.compile(r"gold\.[a-z][a-z0-9_]{0,62}")
RESERVED = frozenset({"time", "value"})


class Ratio(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A metric that is one metric divided by another."""

    numerator: str
    denominator: str


class Definition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A metric as ``metrics.yaml`` writes it: either ``measure``, ``table`` and ``time``, or ``ratio``."""

    description: str
    unit: str
    owner: str
    better: Literal["higher", "lower"]
    table: str = ""
    measure: str = ""
    time: str = ""
    filter: str = ""
    dimensions: tuple[str, ...] = ()
    ratio: Ratio | None = None


class Measure(NamedTuple):
    """One aggregate over one gold table, counted by the date column ``time``."""

    expression: str
    table: str
    time: str
    filter: str


class Metric(msgspec.Struct, frozen=True):
    """A metric: one measure, or two of which the first is divided by the second."""

    name: str
    description: str
    unit: str
    owner: str
    better: str
    measures: tuple[Measure, ...]
    dimensions: tuple[str, ...]

    @property
    def is_money(self) -> bool:
        """Whether the values are amounts in the currency that the data names."""
        return self.unit == MONEY

    @property
    def is_ratio(self) -> bool:
        """Whether the values are quotients, so that a period without rows has no value."""
        return len(self.measures) == 2


def load_metrics(path: Path = DEFINITIONS) -> dict[str, Metric]:
    """Read every metric: name to Metric, in the file's order.

    Raises SettingError that names the metric and what is wrong with it.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        definitions = msgspec.convert(document["metrics"], dict[str, dict[str, object]])
    except (OSError, yaml.YAMLError, msgspec.ValidationError, KeyError, TypeError) as error:
        raise SettingError(f"{path.name} can't be read as metric definitions: {error}.") from error
    parsed = {name: _definition(path, name, value) for name, value in definitions.items()}
    return {name: _metric(path, name, parsed) for name in parsed}


def find_metric(metrics: dict[str, Metric], name: str) -> Metric:
    """Find a metric by name.

    Raises UnknownNameError that lists those there are.
    """
    try:
        return metrics[name]
    except KeyError:
        raise UnknownNameError("metric", name, metrics) from None


def _definition(path: Path, name: str, value: dict[str, object]) -> Definition:
    try:
        definition = msgspec.convert(value, Definition)
    except msgspec.ValidationError as error:
        raise _wrong(path, name, str(error)) from None
    if not NAME.fullmatch(name):
        raise _wrong(path, name, "a name has small letters, digits and underscores")
    if (definition.ratio is None) == (not definition.measure):
        raise _wrong(path, name, "it takes either a measure or a ratio")
    return definition


def _metric(path: Path, name: str, parsed: dict[str, Definition]) -> Metric:
    definition = parsed[name]
    if definition.ratio is None:
        measures: tuple[Measure, ...] = (_measure(path, name, definition),)
        dimensions = definition.dimensions
    else:
        measures, dimensions = _quotient(path, name, definition.ratio, parsed)
    return Metric(
        name=name,
        description=definition.description,
        unit=definition.unit,
        owner=definition.owner,
        better=definition.better,
        measures=measures,
        dimensions=dimensions,
    )


def _quotient(
    path: Path, name: str, ratio: Ratio, parsed: dict[str, Definition]
) -> tuple[tuple[Measure, ...], tuple[str, ...]]:
    parts = []
    for part in (ratio.numerator, ratio.denominator):
        if part not in parsed or not parsed[part].measure:
            raise _wrong(path, name, f"its ratio names '{part}', which is no metric with a measure")
        parts.append(parsed[part])
    shared = tuple(column for column in parts[0].dimensions if column in parts[1].dimensions)
    return tuple(_measure(path, name, part) for part in parts), shared


def _measure(path: Path, name: str, definition: Definition) -> Measure:
    if not TABLE.fullmatch(definition.table):
        raise _wrong(path, name, f"its table is '{definition.table}'; it takes gold.<table>")
    for column in (definition.time, *definition.dimensions):
        if not NAME.fullmatch(column) or column in RESERVED:
            raise _wrong(path, name, f"'{column}' can't be its time or a dimension")
    if not _expression(path, name, definition.measure).find(sql.AggFunc):
        raise _wrong(path, name, f"its measure '{definition.measure}' aggregates nothing")
    if definition.filter:
        _expression(path, name, definition.filter)
    return Measure(definition.measure, definition.table, definition.time, definition.filter)


def _expression(path: Path, name: str, text: str) -> sql.Expression:
    try:
        parsed = sqlglot.parse_one(f"SELECT {text}", dialect="duckdb")
    except sqlglot.errors.SqlglotError:
        raise _wrong(path, name, f"'{text}' isn't SQL") from None
    if not isinstance(parsed, sql.Select) or len(parsed.expressions) != 1 or len(list(parsed.find_all(sql.Query))) > 1:
        raise _wrong(path, name, f"'{text}' isn't one SQL expression")
    expression: sql.Expression = parsed.expressions[0]
    return expression


def _wrong(path: Path, name: str, reason: str) -> SettingError:
    return SettingError(f"The metric '{name}' in {path.name} is wrong: {reason}.")
