"""Routes of the live lane: a metric's last hour, the stream of changes, and the page that draws them."""

from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath
from litestar.response import Stream

from server.live import Live, LiveSeries
from server.problems import MEDIA_TYPE, Problem

AnyRequest = Request[Any, Any, Any]
PAGE = Path(__file__).parent / "live_page"
PAGE_FILES = {"live.html": "text/html", "live.css": "text/css", "live.js": "text/javascript"}
NO_STORE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
STREAM_HEADERS = NO_STORE | {"x-accel-buffering": "no"}
PAGE_HEADERS = {
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
}


def live_router(live: Live) -> Router:
    """Serve /v1/live/stream and /v1/live/{metric}, and the page at /live."""

    @get(
        "/v1/live/{name:str}",
        summary="Ask a metric's last hour, minute by minute",
        responses={
            200: _answers(LiveSeries, "A metric minute by minute over the last hour.", "application/json"),
            404: _answers(Problem, "There is no such live metric.", MEDIA_TYPE),
            503: _answers(Problem, "The live numbers can't be had.", MEDIA_TYPE),
        },
    )
    async def ask_live(name: FromPath[str]) -> Response[bytes]:
        body = msgspec.json.encode(await live.series(name))
        return Response(body, media_type="application/json", headers=NO_STORE)

    @get("/v1/live/stream", summary="Follow the windows as server-sent events", include_in_schema=False)
    async def follow(request: AnyRequest) -> Stream:
        events = live.stream(request.headers.get("last-event-id", ""))
        return Stream(events, media_type="text/event-stream", headers=STREAM_HEADERS)

    @get("/live", include_in_schema=False, sync_to_thread=True)
    def page() -> Response[bytes]:
        return _file("live.html")

    @get("/live/{name:str}", include_in_schema=False, sync_to_thread=True)
    def part(name: FromPath[str]) -> Response[bytes]:
        return _file(name)

    return Router("/", route_handlers=[ask_live, follow, page, part], tags=["live"])


def _file(name: str) -> Response[bytes]:
    if name not in PAGE_FILES:
        raise NotFoundException
    return Response((PAGE / name).read_bytes(), media_type=PAGE_FILES[name], headers=PAGE_HEADERS)


def _answers(document: type[Any], said: str, media_type: str) -> ResponseSpec:
    return ResponseSpec(document, generate_examples=False, description=said, media_type=media_type)
