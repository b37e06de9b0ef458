"""What differs between an environment's tables and production's: columns and rows."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lake.environments import DUCKDB, Pins, name_of, open_gateway, snapshots_of
from lake.settings import Settings
from lake.table_diffs import TableDiff, compare_tables
from lake.transforms import ENVIRONMENT as PROD
from lake.transforms import explain, quiet_console
from lake.warehouse import PROJECT

if TYPE_CHECKING:
    from sqlmesh import Context


class ModelDiff(NamedTuple):
    """How a model's table in an environment differs from production's."""

    model: str
    table: TableDiff


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
            said += one.table.lines(one.model)
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
    from sqlglot import exp

    adapter = context.engine_adapter

    def table(snapshot: Any) -> exp.Expr:
        return exp.to_table(_table(snapshot), dialect=adapter.dialect)

    columns = [adapter.columns(_table(one)) for one in (ours, theirs)]
    now, before = ({column: kind.sql() for column, kind in found.items()} for found in columns)
    grain = {column.name for one in ours.model.grains for column in one.find_all(exp.Column)}
    return ModelDiff(name, compare_tables(adapter.fetchall, (table(ours), now), (table(theirs), before), grain))
