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
MONEY, PERCENT = "currency", "percent"
CURRENCY = "currency"
"""The dimension, and the column of every table of amounts, that says what they are in."""
NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
TABLE = re.compile(r"gold\.[a-z][a-z0-9_]{0,62}")
ADDS_UP = re.compile(r"count\(\*\)|(?:count|sum)\(\w+\)|count\(distinct \w+\)", re.IGNORECASE)
"""What can be added up from one period to the next, or counted by the first day that a thing was seen."""
RESERVED = frozenset({"time", "value"})


class Ratio(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A metric that is one metric divided by another."""

    numerator: str
    denominator: str


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A metric that says by how much, in percent, another one differs from what it was."""

    of: str
    since: Literal["previous_period", "previous_year"]


class Definition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A metric as ``metrics.yaml`` writes it: ``measure`` with ``table`` and ``time``, or made of other metrics.

    Made of others it is a ``ratio``, ``cumulative`` (the running total of a measure) or a ``change``. A ``closing``
    measure is a balance: what stands at the end of a period. ``budget`` is the share by which closed days may move
    from one release to the next without a reason.
    """

    description: str
    unit: str
    owner: str
    better: Literal["higher", "lower"]
    table: str = ""
    measure: str = ""
    time: str = ""
    filter: str = ""
    dimensions: tuple[str, ...] = ()
    closing: bool = False
    ratio: Ratio | None = None
    cumulative: str = ""
    change: Change | None = None
    budget: float | None = None


class Measure(NamedTuple):
    """One aggregate over one gold table, counted by the date column ``time``; a ``closing`` one by its last day."""

    expression: str
    table: str
    time: str
    filter: str
    closing: bool = False


Kind = Literal["measure", "closing", "ratio", "cumulative", "change"]


class Metric(msgspec.Struct, frozen=True):
    """A metric: one measure, or what is made of one or two.

    Of a ratio's two measures the first is divided by the second. A change has the metric that it is ``of`` and
    since when (``previous_period`` or ``previous_year``); its measures are that one's. ``adds_money`` says whether
    amounts are added up on the way, which only goes for one currency at a time.
    """

    name: str
    description: str
    unit: str
    owner: str
    better: str
    measures: tuple[Measure, ...]
    dimensions: tuple[str, ...]
    kind: Kind = "measure"
    parts: tuple[str, ...] = ()
    of: "Metric | None" = None
    since: str = ""
    adds_money: bool = False
    budget: float | None = None

    @property
    def is_money(self) -> bool:
        """Whether the values are amounts in the currency that the data names."""
        return self.unit == MONEY

    @property
    def is_percent(self) -> bool:
        """Whether the values are hundredths."""
        return self.unit == PERCENT

    @property
    def is_ratio(self) -> bool:
        """Whether the values are quotients, so that a period without rows has no value."""
        return self.kind == "ratio"


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
    made = (definition.measure, definition.ratio, definition.cumulative, definition.change)
    if sum(bool(part) for part in made) != 1:
        raise _wrong(path, name, "it takes either a measure or a ratio, cumulative or change of other metrics")
    if definition.budget is not None and not (definition.measure and 0 <= definition.budget < 1):
        raise _wrong(path, name, "a budget is a share from 0 to 1, of a measure")
    return definition


def _metric(path: Path, name: str, parsed: dict[str, Definition]) -> Metric:
    definition = parsed[name]
    if definition.change is not None:
        return _changed(path, name, definition.change, parsed)
    kind: Kind = "closing" if definition.closing else "measure"
    if definition.ratio is not None:
        kind, parts = "ratio", [definition.ratio.numerator, definition.ratio.denominator]
    elif definition.cumulative:
        kind, parts = "cumulative", [definition.cumulative]
    else:
        parts = [name]
    return _made_of(path, name, kind, parts, parsed)


def _made_of(path: Path, name: str, kind: Kind, parts: list[str], parsed: dict[str, Definition]) -> Metric:
    """Make a metric of one or two measures; its dimensions are those that all of them have."""
    definition = parsed[name]
    for part in parts:
        if part not in parsed or not parsed[part].measure:
            raise _wrong(path, name, f"its {kind} names '{part}', which is no metric with a measure")
    if kind == "cumulative" and (parsed[parts[0]].closing or not ADDS_UP.fullmatch(parsed[parts[0]].measure)):
        raise _wrong(path, name, f"'{parts[0]}' doesn't add up; a count, a sum or a count of different ones does")
    first, *others = (parsed[part] for part in parts)
    return Metric(
        name=name,
        description=definition.description,
        unit=definition.unit,
        owner=definition.owner,
        better=definition.better,
        measures=tuple(_measure(path, name, parsed[part]) for part in parts),
        dimensions=tuple(one for one in first.dimensions if all(one in other.dimensions for other in others)),
        kind=kind,
        parts=tuple(parts),
        adds_money=any(parsed[part].unit == MONEY for part in parts),
        budget=definition.budget,
    )


def _changed(path: Path, name: str, change: Change, parsed: dict[str, Definition]) -> Metric:
    if change.of not in parsed or parsed[change.of].change is not None:
        raise _wrong(path, name, f"its change names '{change.of}', which is no metric or a change itself")
    definition, of = parsed[name], _metric(path, change.of, parsed)
    if definition.unit != PERCENT:
        raise _wrong(path, name, f"a change is in {PERCENT}")
    return Metric(
        name=name,
        description=definition.description,
        unit=definition.unit,
        owner=definition.owner,
        better=definition.better,
        measures=of.measures,
        dimensions=of.dimensions,
        kind="change",
        parts=(change.of,),
        of=of,
        since=change.since,
        adds_money=of.adds_money,
    )


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
    return Measure(definition.measure, definition.table, definition.time, definition.filter, definition.closing)


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
