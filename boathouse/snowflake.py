"""The demonstration of Snowflake: the same models over its own connector, and each column beside DuckDB's."""

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from boathouse.console import Steps, console
from boathouse.run import pull_and_release, started
from infra.snowflake import standing_in
from lake.catalogue import open_catalogue
from lake.environments import apply
from lake.equality import Comparison, compare
from lake.locks import writing
from lake.pins import Pin
from lake.settings import Settings
from lake.snowflake import connected
from lake.snowflake_bronze import copy_bronze
from lake.snowflake_project import GATEWAY
from lake.transforms import ENVIRONMENT as PROD


@dataclass(frozen=True)
class Headline:
    """The numbers that Snowflake itself gives for the whole of gold.fact_orders."""

    orders: int
    customers: int
    net_revenue: Decimal
    currency: str

    def __str__(self) -> str:
        """Write the numbers in one line."""
        money = f"{self.net_revenue:.2f} {self.currency}"
        return f"orders {self.orders} · customers {self.customers} · net revenue {money}"


def demonstrate(settings: Settings) -> Comparison:
    """Build every model on the stand-in for Snowflake from the release's bronze, and compare it with DuckDB's.

    Prints each column that isn't equal with its reason, and the closing line. Raises BoathouseError.
    """
    steps = Steps()
    with ExitStack() as stack:
        stack.enter_context(writing(settings, "just snowflake"))
        live = stack.enter_context(started(settings, steps))
        release, _ = pull_and_release(live, open_catalogue(live), steps)
        with steps.step("stand-in") as (step, say):
            there = stack.enter_context(standing_in(live, say))
            step.remark = "fakesnow, in an environment of its own"
        headline, comparison = build_and_compare(there, release.bronze, steps)
    console.print()
    for one in comparison.differences:
        console.print(f"not equal: {one.model} {one.column}: {one.reason}", soft_wrap=True)
    console.print(closing_line(headline, comparison), soft_wrap=True, style="bold")
    return comparison


def build_and_compare(there: Settings, pins: Mapping[str, Pin], steps: Steps) -> tuple[Headline, Comparison]:
    """Copy bronze at ``pins`` into the Snowflake of ``there``, build every model, and compare; one step each."""
    with tempfile.TemporaryDirectory(prefix="boathouse-snowflake-") as folder:
        # The stand-in begins empty, so what is known of it does too.
        fresh = there.model_copy(update={"state_dir": Path(folder)})
        with steps.step("bronze") as (step, say), connected(there) as connection:
            step.rows = copy_bronze(connection, there, pins, progress=say)
            step.remark = "through a stage, as Parquet"
        with steps.step("models") as (step, say):
            applied = apply(fresh, PROD, GATEWAY, progress=say)
            step.remark = f"{len(applied.plan.to_build)} models, {len(applied.audits)} audits"
        with steps.step("compare") as (step, say), connected(there) as connection:
            comparison = compare(there, connection, say)
            headline = read_headline(connection)
            step.remark = f"{comparison.columns} columns of {comparison.models} models"
    return headline, comparison


def read_headline(connection: Any) -> Headline:
    """Ask Snowflake for the headline numbers of gold.fact_orders."""
    row = (
        connection.cursor()
        .execute(
            "SELECT COUNT(*), COUNT(DISTINCT customer_key), COALESCE(SUM(net_amount), 0), MIN(currency) "
            "FROM gold.fact_orders"
        )
        .fetchone()
    )
    return Headline(int(row[0]), int(row[1]), Decimal(row[2]), str(row[3] or ""))


def closing_line(headline: Headline, comparison: Comparison) -> str:
    """Write the demonstration's last line."""
    return (
        f"snowflake: {headline} · models equal {comparison.equal_models} of {comparison.models}, "
        f"columns equal {comparison.equal_columns} of {comparison.columns}"
    )
