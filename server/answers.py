"""Answers of the metrics API: a metric's numbers of one release, as bytes."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import duckdb
import msgspec

from lake.errors import QueryError
from lake.gold import unreadable
from lake.measures import measure, unit_of
from lake.metrics import Metric
from lake.releases import Release
from lake.series import Point
from server.parameters import Parameters


def answer(connection: duckdb.DuckDBPyConnection, release: Release, metric: Metric, asked: Parameters) -> bytes:
    """Measure a metric on a cursor of ``open_gold`` and write the answer's JSON.

    Raises QueryError when amounts of several currencies would be added or the release lacks what the metric is made
    of, ServiceError when the object store can't be read.
    """
    try:
        unit = unit_of(connection, metric, asked.dimension)
        points = measure(connection, metric, *asked)
    except (duckdb.IOException, duckdb.HTTPException) as error:
        raise unreadable(release) from error
    except (duckdb.CatalogException, duckdb.BinderException):
        tables = ", ".join(dict.fromkeys(part.table for part in metric.measures))
        raise QueryError(
            f"The release {release.release_id} can't answer {metric.name}: it lacks {tables} or a column of it."
        ) from None
    return encode(release, metric, unit, asked, points)


def encode(release: Release, metric: Metric, unit: str | None, asked: Parameters, points: Sequence[Point]) -> bytes:
    """Write an answer's JSON: money as strings, counts as integers, no value as null."""
    head: dict[str, Any] = {"metric": metric.name, "unit": unit, "grain": asked.grain}
    if asked.dimension is not None:
        head["dimension"] = asked.dimension
    data = [_row(point, asked.dimension) for point in points]
    return msgspec.json.encode(head | {"release": release.release_id, "data": data})


def _row(point: Point, dimension: str | None) -> dict[str, Any]:
    value = str(point.value) if isinstance(point.value, Decimal) else point.value
    if dimension is None:
        return {"time": point.time, "value": value}
    return {"time": point.time, dimension: point.split, "value": value}
