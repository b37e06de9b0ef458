"""Which release, load or model changed a number: the number in every release, and what lies between two of them."""

import re
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import NamedTuple

import duckdb
from pyiceberg.catalog import Catalog

from lake.catalogue import find_table
from lake.commits import Mark
from lake.errors import QueryError
from lake.gold import open_gold
from lake.measures import measure
from lake.metrics import Metric, find_metric
from lake.models import read_models, upstream
from lake.periods import FIRST_DAY, LAST_DAY, compared_period, last_day, period_start
from lake.pins import Pin
from lake.readers import connect, quoted, scan
from lake.release_diffs import diff_pins, loads_between, models_between
from lake.releases import Release, list_releases
from lake.settings import Settings
from lake.table_diffs import Key

QUESTION = re.compile(r"\s*([a-z][a-z0-9_]*)(?:\s+(\d{4}-\d{2}-\d{2}|\d{4}-\d{2}|\d{4}))?\s*")
GRAINS = {10: "day", 7: "month", 4: "year", 0: None}
SHARED = ("macros/", "seeds/", "external_models.yaml", "config.yaml")
"""Files of the project that any model may follow."""
TRACED = 5
"""Rows that a load is looked for, of those that made the difference."""
Values = dict[str | None, str]
"""A number of one release: by currency where it has several."""


class Question(NamedTuple):
    """A number: a metric, of a day, a month, a year or of all time."""

    metric: Metric
    grain: str | None
    start: date | None

    def __str__(self) -> str:
        """Write it as it was asked."""
        return f"{self.metric.name} {self.start or ''}".strip()


class Step(NamedTuple):
    """Two releases one after the other between which the number changed, and what may have done it.

    ``loads`` and ``models`` are only those that the metric's tables are made of; ``rows`` are some that differ, each
    with the load that brought its last word, where one was found.
    """

    before: Release
    after: Release
    was: str
    now: str
    loads: Mapping[str, tuple[Mark, ...]]
    models: tuple[str, ...]
    rows: tuple[tuple[Key, str], ...]

    @property
    def cause(self) -> str:
        """Name what changed the number, as far as that can be told."""
        if self.loads and self.models:
            return "loads and models"
        return "loads" if self.loads else "models" if self.models else "neither a load nor a model that it is made of"


def read_question(text: str, metrics: Mapping[str, Metric]) -> Question:
    """Read ``net_revenue 1997-03-01``, ``net_revenue 1997-03``, ``net_revenue 1997`` or ``net_revenue``.

    Raises QueryError and UnknownNameError.
    """
    found = QUESTION.fullmatch(text)
    if found is None:
        raise QueryError(f"'{text}' is no question; ask for a metric and a day, such as net_revenue 1997-03-01.")
    metric = find_metric(dict(metrics), found[1])
    said = found[2] or ""
    try:
        start = date.fromisoformat((said + "-01-01")[:10]) if said else None
    except ValueError:
        raise QueryError(f"'{said}' is no day; write one such as 1997-03-01.") from None
    if start is not None and not FIRST_DAY <= start <= LAST_DAY:
        raise QueryError(f"'{said}' is out of range; ask for one from {FIRST_DAY} to {LAST_DAY}.")
    return Question(metric, GRAINS[len(said)], start)


def bisect(settings: Settings, catalogue: Catalog, question: Question) -> tuple[list[tuple[Release, str]], list[Step]]:
    """Answer a question in every release that readers have seen, oldest first, and explain each change.

    A release whose snapshots are gone answers with why. Raises ServiceError.
    """
    answers = [(release, _answer(settings, release, question)) for release in list_releases(catalogue)]
    steps = [
        _explained(settings, catalogue, question, before, after)
        for before, after in pairwise(answers)
        if before[1] != after[1]
    ]
    return answers, steps


def _answer(settings: Settings, release: Release, question: Question) -> str:
    metric = question.metric
    end = _last_day(question)
    try:
        with open_gold(settings, release) as connection:
            split = "currency" if metric.adds_money and "currency" in metric.dimensions else None
            points = measure(connection, metric, question.grain, question.start, end, split)
    except duckdb.Error as error:
        return f"no answer ({str(error).splitlines()[0]})"
    said = [f"{point.value} {point.split or ''}".strip() for point in points if point.value is not None]
    return ", ".join(said) or "nothing"


def _last_day(question: Question) -> date | None:
    if question.start is None or question.grain is None:
        return None
    return last_day(period_start(question.start, question.grain), question.grain)


def _first_day(question: Question) -> date | None:
    """Give the first day whose rows the number is made of; None when it is made of all up to its last."""
    metric, start = question.metric, question.start
    if metric.kind == "change" and start is not None and question.grain is not None and metric.of is not None:
        metric, start = metric.of, compared_period(start, question.grain, metric.since)
    return None if metric.kind in {"cumulative", "closing"} else start


def _explained(
    settings: Settings,
    catalogue: Catalog,
    question: Question,
    before: tuple[Release, str],
    after: tuple[Release, str],
) -> Step:
    old, new = before[0], after[0]
    models = read_models()
    tables = sorted({part.table for part in question.metric.measures})
    made_of = frozenset().union(*(upstream(models, table) for table in tables))
    files = {model.file for name, model in models.items() if name in made_of}
    loads = {
        name: marks for name, marks in loads_between(catalogue, old, new).items() if f"lake.bronze.{name}" in made_of
    }
    changed = tuple(name for name in models_between(old, new) if name in files or name.startswith(SHARED))
    with connect(settings) as connection:
        rows = [
            (key, _load_of(connection, catalogue, key, loads))
            for table in tables
            for key in _keys(connection, question, table, old, new)
        ]
    return Step(old, new, before[1], after[1], loads, changed, tuple(rows[:TRACED]))


def _keys(
    connection: duckdb.DuckDBPyConnection, question: Question, table: str, old: Release, new: Release
) -> tuple[Key, ...]:
    """Find rows that differ between two releases, of those that the number is made of."""
    name = table.removeprefix("gold.")
    if name not in old.gold or name not in new.gold:
        return ()
    time = next(part.time for part in question.metric.measures if part.table == table)
    bounds = ((">=", _first_day(question)), ("<=", _last_day(question)))
    where = " AND ".join(f"CAST({time} AS DATE) {sign} DATE '{day}'" for sign, day in bounds if day) or "TRUE"
    try:
        return diff_pins(connection, name, old.gold[name], new.gold[name], where).keys
    except duckdb.Error:
        return ()


def _load_of(
    connection: duckdb.DuckDBPyConnection, catalogue: Catalog, key: Key, loads: Mapping[str, tuple[Mark, ...]]
) -> str:
    """Find the load, among those given, that brought the last document whose id a row's key names; '' when none did."""
    ids = [value for name, value in key.values if name.endswith("_id")]
    for table, marks in loads.items():
        found = find_table(catalogue, f"bronze.{table}")
        pin = Pin.of(found) if found else None
        if pin is None or found is None or "payload" not in found.schema().column_names:
            continue
        wanted = ", ".join(quoted(mark.load_id) for mark in marks)
        for one in ids:
            row = connection.execute(
                f"SELECT _load_id FROM {scan(pin)} WHERE _load_id IN ({wanted}) AND split_part(id, '/', -1) = ?"
                " ORDER BY version DESC, _received_at DESC LIMIT 1",
                [one],
            ).fetchone()
            if row:
                return f"bronze.{table} {row[0]}"
    return ""
