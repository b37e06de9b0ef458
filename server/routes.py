"""Routes of the API, each one address."""

from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter

from lake.periods import GRAINS
from server.cache import Cache
from server.desk import Desk, definitions_hash
from server.documents import (
    HealthDocument,
    MetricDocument,
    MetricsDocument,
    ReleaseDocument,
    Series,
    formula,
)
from server.front import matches
from server.problems import MEDIA_TYPE, Problem
from server.releases import Releases

AnyRequest = Request[Any, Any, Any]


def _answers(document: type[msgspec.Struct], media_type: str = "application/json") -> ResponseSpec:
    said = str(document.__doc__).split("; ")[0].rstrip(".") + "."
    return ResponseSpec(document, generate_examples=False, description=said, media_type=media_type)


PROBLEM = _answers(Problem, MEDIA_TYPE)
GRAIN = QueryParameter(
    name="grain",
    required=False,
    schema_extra={"enum": list(GRAINS)},
    description="Length of a period; one row without.",
)
FROM = QueryParameter(name="from", required=False, schema_extra={"format": "date"}, description="First day, included.")
TO = QueryParameter(name="to", required=False, schema_extra={"format": "date"}, description="Last day, included.")
DIMENSION = QueryParameter(name="dimension", required=False, description="Column to split by; /v1/metrics lists them.")


class Parts(NamedTuple):
    """What the routes work with, made once by ``create_app``."""

    desk: Desk
    releases: Releases
    cache: Cache


@get(
    "/v1/metrics",
    summary="List the metrics",
    tags=["metrics"],
    responses={200: _answers(MetricsDocument)},
)
async def list_metrics(request: AnyRequest, parts: NamedDependency[Parts]) -> Response[bytes]:
    """Define every metric."""
    metrics = parts.desk.metrics
    documents = [
        MetricDocument(
            m.name,
            m.description,
            m.unit,
            m.owner,
            m.better,
            m.kind,
            formula(m),
            m.budget,
            grains=list(GRAINS),
            dimensions=list(m.dimensions),
        )
        for m in metrics.values()
    ]
    return _with_etag(request, MetricsDocument(documents), definitions_hash(metrics))


@get(
    "/v1/metrics/{name:str}",
    summary="Ask a metric",
    tags=["metrics"],
    responses={200: _answers(Series), 400: PROBLEM, 404: PROBLEM, 503: PROBLEM},
)
async def ask_metric(
    request: AnyRequest,
    parts: NamedDependency[Parts],
    name: FromPath[str],
    grain: Annotated[str | None, GRAIN] = None,
    start: Annotated[str | None, FROM] = None,
    end: Annotated[str | None, TO] = None,
    dimension: Annotated[str | None, DIMENSION] = None,
) -> Response[bytes]:
    """Answer a metric over the current release.

    The address's query is read by ``server.parameters``, more strictly than the framework would; the
    arguments describe it.
    """
    stored = await parts.desk.ask(request.scope["path"], request.scope["query_string"], name)
    headers = {key.decode(): value.decode() for key, value in stored.start["headers"]}
    if matches(request.headers.get("if-none-match", "").encode(), stored.etag):
        return Response(b"", status_code=304, headers=headers)
    return Response(stored.body, media_type="application/json", headers=headers)


@get(
    "/v1/releases/current",
    summary="Show the current release",
    tags=["releases"],
    responses={200: _answers(ReleaseDocument), 503: PROBLEM},
)
async def show_release(request: AnyRequest, parts: NamedDependency[Parts]) -> Response[bytes]:
    """Ask the catalogue, and from then on serve what it names as current."""
    await parts.releases.refresh()
    release = parts.releases.current().release
    gold = {name: str(pin.snapshot_id) for name, pin in release.gold.items()}
    document = ReleaseDocument(release.release_id, release.cut_at, release.previous, release.content, gold)
    return _with_etag(request, document, release.release_id)


@get(
    "/health",
    summary="Show whether it works",
    tags=["health"],
    responses={200: _answers(HealthDocument), 503: _answers(HealthDocument)},
)
async def show_health(parts: NamedDependency[Parts]) -> Response[bytes]:
    """Say which services answer and how old the release is; 503 when nothing can be served."""
    served, redis = parts.releases.found, await parts.cache.reachable()
    services = {
        "catalogue": "unreachable" if parts.releases.trouble else "ok",
        "redis": {None: "not set", True: "ok", False: "unreachable"}[redis],
    }
    release = served.release if served else None
    well = not parts.releases.trouble and redis is not False
    document = HealthDocument(
        status="down" if release is None else "ok" if well else "degraded",
        release=release.release_id if release else None,
        release_age_seconds=(datetime.now(UTC) - release.cut_at).total_seconds() if release else None,
        services=services,
    )
    body = msgspec.json.encode(document)
    headers = {"cache-control": "no-store"}
    return Response(body, status_code=200 if release else 503, media_type="application/json", headers=headers)


def _with_etag(request: AnyRequest, document: msgspec.Struct, tag: str) -> Response[bytes]:
    headers = {"etag": f'"{tag}"', "cache-control": "no-cache"}
    if matches(request.headers.get("if-none-match", "").encode(), headers["etag"].encode()):
        return Response(b"", status_code=304, headers=headers)
    return Response(msgspec.json.encode(document), media_type="application/json", headers=headers)
