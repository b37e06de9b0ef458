"""What differs between an environment's tables and production's: columns and rows."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lake.environments import DUCKDB, Pins, name_of, open_gateway, snapshots_of
from lake.settings import Settings
from lake.transforms import ENVIRONMENT as PROD
from lake.transforms import explain, quiet_console
from lake.warehouse import PROJECT

if TYPE_CHECKING:
    from sqlmesh import Context


@dataclass(frozen=True)
class ModelDiff:
    """How a model's table in an environment differs from production's.

    Columns are ``name type``; ``changed`` rows have the same grain and another value in a column of both.
    """

    model: str
    columns_added: tuple[str, ...]
    columns_removed: tuple[str, ...]
    rows: int
    rows_before: int
    added: int
    removed: int
    changed: int

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not (self.columns_added or self.columns_removed or self.added or self.removed or self.changed)


@dataclass(frozen=True)
class Diff:
    """The models of an environment that have a table of their own, and those that production lacks."""

    environment: str
    gateway: str
    models: tuple[ModelDiff, ...]
    new: tuple[str, ...]

    def lines(self) -> list[str]:
        """Say it in lines of text."""
        said = [f"diff {self.environment} against {PROD} on {self.gateway}:"]
        for one in self.models:
            said.append(
                f"{one.model}: {one.rows_before:,} rows, now {one.rows:,} "
                f"(+{one.added:,} -{one.removed:,} ~{one.changed:,})" + (", the same" if one.same else "")
            )
            said += [f"  + {column}" for column in one.columns_added]
            said += [f"  - {column}" for column in one.columns_removed]
        said += [f"{model}: new" for model in self.new]
        return said if len(said) > 1 else [*said, "nothing differs"]


def diff(
    settings: Settings, environment: str, gateway: str = DUCKDB, project: Path = PROJECT, pins: Pins | None = None
) -> Diff:
    """Compare an environment's tables with production's, model by model.

    Raises UnknownNameError for an environment or gateway that doesn't exist, and what the gateway raises.
    """
    with quiet_console(None) as failures, open_gateway(settings, gateway, project, pins) as context:
        try:
            theirs = {name_of(snapshot): snapshot for snapshot in snapshots_of(context, PROD)}
            ours = {name_of(snapshot): snapshot for snapshot in snapshots_of(context, environment)}
            own = [name for name in sorted(ours) if name in theirs and _table(ours[name]) != _table(theirs[name])]
            models = tuple(_compared(context, name, ours[name], theirs[name]) for name in own)
        except Exception as error:
            explain(error, failures, [])
    return Diff(environment, gateway, models, tuple(sorted(set(ours) - set(theirs))))


def _table(snapshot: Any) -> str:
    return str(snapshot.table_name())


def _compared(context: "Context", name: str, ours: Any, theirs: Any) -> ModelDiff:
    columns = [context.engine_adapter.columns(_table(one)) for one in (ours, theirs)]
    now, before = ({column: f"{column.lower()} {kind.sql()}" for column, kind in found.items()} for found in columns)
    shared = [column for column in now if before.get(column) == now[column]]
    counts = _row_counts(context, ours, theirs, shared)
    return ModelDiff(
        name,
        tuple(sorted(text for column, text in now.items() if before.get(column) != text)),
        tuple(sorted(text for column, text in before.items() if now.get(column) != text)),
        *counts,
    )


def _row_counts(context: "Context", ours: Any, theirs: Any, shared: list[str]) -> tuple[int, int, int, int, int]:
    """Count the rows now and before, and those added, removed and changed; the grain tells which row is which."""
    from sqlglot import exp

    grain = {column.name.lower() for one in ours.model.grains for column in one.find_all(exp.Column)}
    keys = [column for column in shared if column.lower() in grain] or shared

    def side(name: str, column: str) -> exp.Expr:
        return exp.column(column, table=name, quoted=True)

    def count(condition: exp.Expr) -> exp.Expr:
        return exp.func("COALESCE", exp.Sum(this=exp.Case().when(condition, "1").else_("0")), exp.Literal.number(0))

    def table(snapshot: Any, alias: str) -> exp.Expr:
        star = exp.select("*", exp.alias_(exp.Literal.number(1), mark, quoted=True))
        return star.from_(exp.to_table(_table(snapshot), dialect=context.engine_adapter.dialect)).subquery(alias)

    mark = "_THERE" if all(column.isupper() for column in shared) else "_there"
    is_now = side("now", mark).is_(exp.null()).not_()
    is_before = side("before", mark).is_(exp.null()).not_()
    differs = exp.or_(
        *(exp.NullSafeNEQ(this=side("now", one), expression=side("before", one)) for one in shared), copy=False
    )
    same_row = exp.and_(
        *(exp.NullSafeEQ(this=side("now", key), expression=side("before", key)) for key in keys), copy=False
    )
    query = (
        exp.select(
            count(is_now),
            count(is_before),
            count(is_before.not_()),
            count(is_now.not_()),
            count(exp.and_(is_now.copy(), is_before.copy(), exp.paren(differs))),
        )
        .from_(table(ours, "now"))
        .join(table(theirs, "before"), on=same_row, join_type="full")
    )
    row = context.engine_adapter.fetchone(query)
    assert row is not None
    now, before, added, removed, changed = (int(value) for value in row)
    return now, before, added, removed, changed
