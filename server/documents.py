"""Documents that the API answers with, as its OpenAPI description shows them."""

from datetime import date, datetime
from typing import Literal

import msgspec


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
    """What a metric is and how it can be asked."""

    name: str
    description: str
    unit: str
    owner: str
    better: str
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
