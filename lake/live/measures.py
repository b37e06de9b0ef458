"""A metric's live lane: the same definition as over gold, compiled to a fold over order documents."""

from decimal import Decimal
from typing import NamedTuple

import sqlglot
from sqlglot import expressions as sql

from lake.live.windows import CENT, COUNT, REFUNDED, Values
from lake.metrics import MONEY, Measure, Metric

ORDERS_TABLE = "gold.fact_orders"
COLUMNS = ("units", "gross_amount", "net_amount")
"""What a window adds up of its orders: columns of gold.fact_orders that an order document holds."""


class LiveMetric(NamedTuple):
    """A metric with live numbers: the sum that is its value, or two of which the first is divided by the second."""

    name: str
    description: str
    unit: str
    sums: tuple[str, ...]

    @property
    def is_money(self) -> bool:
        """Whether the values are amounts in a window's currency."""
        return self.unit == MONEY

    def value(self, values: Values) -> str | int | None:
        """Give the metric of a window: money as text with its cents, None for a quotient of nothing."""
        parts = [values.get(name, Decimal(0)) for name in self.sums]
        if len(parts) == 2 and not parts[1]:
            return None
        amount = parts[0] / parts[1] if len(parts) == 2 else parts[0]
        return str(amount.quantize(CENT)) if self.is_money or len(parts) == 2 else int(amount)


REFUNDS = LiveMetric(
    "refunds", "Given back to customers through Stripe, by the minute of the refund.", MONEY, (REFUNDED,)
)


def live_metrics(metrics: dict[str, Metric]) -> dict[str, LiveMetric]:
    """Find the metrics that can be folded from events, by name; refunds, which gold doesn't count, come last.

    A metric is live when it counts the rows of gold.fact_orders, sums one of COLUMNS, or is the quotient of two
    such. What needs more than one order at a time, such as different customers, isn't.
    """
    found: dict[str, LiveMetric] = {}
    for name, metric in metrics.items():
        sums = [_sum_of(measure) for measure in metric.measures if metric.kind in ("measure", "ratio")]
        if sums and all(sums) and not metric.is_percent:
            found[name] = LiveMetric(name, metric.description, metric.unit, tuple(str(part) for part in sums))
    return found | {REFUNDS.name: REFUNDS}


def _sum_of(measure: Measure) -> str | None:
    """Name the sum of a window that a measure is; None when it is none."""
    if measure.table != ORDERS_TABLE or measure.filter:
        return None
    expression = sqlglot.parse_one(measure.expression, dialect="duckdb")
    if isinstance(expression, sql.Count) and isinstance(expression.this, sql.Star):
        return COUNT
    if isinstance(expression, sql.Sum) and isinstance(expression.this, sql.Column) and expression.this.name in COLUMNS:
        return expression.this.name
    return None
