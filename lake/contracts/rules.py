"""A contract's rules, each tried on every row: the schema and the data, by pandera on Polars."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from lake.audits import SAMPLED, AuditResult, sample_of

if TYPE_CHECKING:
    from pandera.polars import DataFrameSchema

SCHEMA_RULE = "schema"


@dataclass(frozen=True)
class Contract:
    """A pandera schema for the rows of ``table``; the rules in ``warns`` are told when broken, all others block.

    The rule ``schema`` is about the columns there are and their types; the others have names such as
    ``not_null(id)``, ``isin(_op)`` and ``unique(day, currency)``.
    """

    table: str
    schema: "DataFrameSchema"
    warns: frozenset[str] = frozenset()

    @property
    def rules(self) -> list[str]:
        """Name the rules, in order."""
        return [SCHEMA_RULE, *_rules(self.schema)]


@dataclass
class _Broken:
    offenders: int = 0
    sample: str = ""

    def add(self, offenders: int, sample: str) -> None:
        self.offenders += offenders
        self.sample = self.sample or sample


def check_rows(contract: Contract, frames: Iterable[pl.DataFrame], loads: tuple[str, ...] = ()) -> list[AuditResult]:
    """Try every rule on every row of ``frames``; one result a rule, also of those that hold.

    A rule about several rows, such as ``unique``, sees one frame at a time.
    """
    broken = {rule: _Broken() for rule in contract.rules}
    rows = 0
    for frame in frames:
        rows += frame.height
        for rule, offenders, sample in _failures(contract, frame):
            broken[rule].add(offenders, sample)
    return [
        AuditResult(
            model=contract.table,
            audit=rule,
            rows=rows,
            offenders=found.offenders,
            blocking=rule not in contract.warns,
            passed=found.offenders == 0,
            kind="contract",
            sample=found.sample,
            loads=loads,
        )
        for rule, found in broken.items()
    ]


def _rules(schema: "DataFrameSchema") -> Iterator[str]:
    for name, column in schema.columns.items():
        if not column.nullable:
            yield f"not_null({name})"
        for check in column.checks:
            yield f"{check.name}({name})"
    if schema.unique:
        yield f"unique({', '.join(schema.unique)})"
    for check in schema.checks:
        yield str(check.name)


def _failures(contract: Contract, frame: pl.DataFrame) -> Iterator[tuple[str, int, str]]:
    """Give each broken rule with how many rows break it and a masked sample of them."""
    from pandera.errors import SchemaErrorReason, SchemaErrors

    try:
        contract.schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        found = errors.schema_errors
    else:
        return
    columns: list[str] = []
    for error in found:
        cases, column = error.failure_cases, getattr(error.schema, "name", None)
        if error.reason_code is SchemaErrorReason.SERIES_CONTAINS_NULLS:
            yield f"not_null({column})", cases.height, ""
        elif error.reason_code is SchemaErrorReason.DUPLICATES:
            keys = list(contract.schema.unique or ())
            yield f"unique({', '.join(keys)})", cases.height, _sample(cases.select(keys))
        elif error.reason_code is SchemaErrorReason.DATAFRAME_CHECK and isinstance(cases, pl.DataFrame):
            rule = error.check.name if column is None else f"{error.check.name}({column})"
            yield rule, cases.height, _sample(cases)
        else:
            columns.append(f"{error.reason_code.name.lower()}: {column or cases}")
    if columns:  # A column that is missing, surplus or of another type is wrong in every row.
        yield SCHEMA_RULE, max(frame.height, 1), "; ".join(columns)


def _sample(cases: pl.DataFrame) -> str:
    rows: list[dict[str, Any]] = cases.head(SAMPLED).to_dicts()
    return sample_of(rows)
