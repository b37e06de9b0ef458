"""What must hold of the rows that leave gold: the columns, types and keys that the models say, and sane values."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from lake.audits import AuditResult
from lake.contracts.rules import Contract, check_rows
from lake.models import Column, Model, read_models
from lake.periods import FIRST_DAY, LAST_DAY
from lake.settings import Settings
from lake.warehouse import PROJECT, gold_tables, read_gold

if TYPE_CHECKING:
    from pandera.polars import Check

DECIMAL = re.compile(r"DECIMAL\((\d+), (\d+)\)")
KINDS: dict[str, Any] = {
    "TEXT": pl.String,
    "VARCHAR": pl.String,
    "BIGINT": pl.Int64,
    "INT": pl.Int32,
    "INTEGER": pl.Int32,
    "SMALLINT": pl.Int16,
    "DOUBLE": pl.Float64,
    "BOOLEAN": pl.Boolean,
    "DATE": pl.Date,
    "TIMESTAMP": pl.Datetime("us"),
    "TIMESTAMPTZ": pl.Datetime("us", "UTC"),
}
MOST_MONEY = 10**12
"""An amount over a million million is a wrong exponent or a wrong column, in every currency there is."""


def check_gold(settings: Settings, project: Path = PROJECT) -> list[AuditResult]:
    """Hold every gold table, as the warehouse has it now, against its model's contract. Nothing is written."""
    models = read_models(project)
    results: list[AuditResult] = []
    for table in gold_tables():
        frame = pl.from_arrow(read_gold(settings, table))
        assert isinstance(frame, pl.DataFrame)
        results += check_rows(gold_contract(models[f"gold.{table}"]), [frame])
    return results


def gold_contract(model: Model) -> Contract:
    """Give the contract that follows from a model: its columns and no others, its key, what its columns can hold."""
    import pandera.polars as pa

    columns = {
        column.name: pa.Column(kind_of(column), _checks(column), nullable=column.name not in model.required)
        for column in model.columns
    }
    schema = pa.DataFrameSchema(columns, unique=list(model.grain) or None, strict=True)
    return Contract(model.name, schema, frozenset(_warns(model)))


def _warns(model: Model) -> Iterator[str]:
    """Name the rules that a source can break by itself, so that they hold nothing back."""
    for column in model.columns:
        if kind_of(column) == pl.Date:
            yield f"in_range({column.name})"
        if _is(column, "email"):
            yield f"str_contains({column.name})"


def kind_of(column: Column) -> Any:
    """Give the Polars type of a model's column. Raises KeyError for a type that no column of gold should have."""
    if found := DECIMAL.fullmatch(column.kind):
        return pl.Decimal(int(found[1]), int(found[2]))
    return KINDS[column.kind]


def _checks(column: Column) -> list["Check"]:
    """Tell what values a column can hold, by its type and its name."""
    import pandera.polars as pa

    kind = kind_of(column)
    if isinstance(kind, pl.Decimal):
        return [pa.Check.in_range(-MOST_MONEY, MOST_MONEY)]
    if kind == pl.Date:
        return [pa.Check.in_range(FIRST_DAY, LAST_DAY)]
    if kind == pl.String and _is(column, "currency"):
        return [pa.Check.str_matches(r"^[A-Z]{3}$")]
    if kind == pl.String and _is(column, "email"):
        return [pa.Check.str_contains("@")]
    return []


def _is(column: Column, word: str) -> bool:
    return column.name == word or column.name.endswith(f"_{word}")
