"""Documents that the API answers with, as its OpenAPI description shows them."""

from datetime import date, datetime
from typing import Literal

import msgspec

from lake.metrics import Metric


class Row(msgspec.Struct):
    """One value; with a dimension the row also carries it, under the dimension's own name."""

    time: date | None
    value: str | int | None


class Series(msgspec.Struct):
    """A metric's values; money is text, so that no cent is lost on the way."""

    metric: str
    unit: str | None
    grain: Literal["day", "week", "month", "quarter", "year"] | None
    release: str
    data: list[Row]


class MetricDocument(msgspec.Struct):
    """What a metric is, how its values come about, and how it can be asked."""

    name: str
    description: str
    unit: str
    owner: str
    better: str
    kind: str
    formula: str
    budget: float | None
    grains: list[str]
    dimensions: list[str]


class MetricsDocument(msgspec.Struct):
    """Every metric there is."""

    metrics: list[MetricDocument]


class ReleaseDocument(msgspec.Struct):
    """The release that answers come from; ``gold`` maps its tables to their Iceberg snapshots (text)."""

    release: str
    cut_at: datetime
    previous: str | None
    content: str
    gold: dict[str, str]


class HealthDocument(msgspec.Struct):
    """Whether questions can be answered, and from what."""

    status: Literal["ok", "degraded", "down"]
    release: str | None
    release_age_seconds: float | None
    services: dict[str, str]


def formula(metric: Metric) -> str:
    """Say in a line how a metric's values come about."""
    one, parts = metric.measures[0], metric.parts
    if metric.kind == "ratio":
        return f"{parts[0]} / {parts[1]}"
    if metric.kind == "cumulative":
        return f"{parts[0]} from the first day on"
    if metric.kind == "change":
        return f"{parts[0]} against the {metric.since.replace('_', ' ')}"
    only = f" where {one.filter}" if one.filter else ""
    last = "on the last" if metric.kind == "closing" else "by"
    return f"{one.expression} of {one.table} {last} {one.time}{only}"
