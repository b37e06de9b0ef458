"""The application, composed in one call."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, YamlRenderPlugin

from lake.live.measures import live_metrics
from lake.metrics import load_metrics
from lake.settings import Settings
from server.cache import Cache, Kept
from server.desk import Desk
from server.front import Address, Front, Stored
from server.live import Live
from server.live_routes import live_router
from server.problems import answer_problem
from server.releases import Releases
from server.routes import Parts, ask_metric, list_metrics, show_health, show_release
from server.site import site_router
from server.webhooks import Webhooks, webhooks_router


def create_app(settings: Settings, ready: Callable[[], None] = lambda: None) -> Litestar:
    """Compose the API over the lake that ``settings`` name; ``ready`` is called once it can answer.

    Raises SettingError when a metric's definition is wrong.
    """
    releases, cache = Releases(settings), Cache(settings)
    kept: Kept[Address, Stored] = Kept()
    metrics = load_metrics()
    parts = Parts(Desk(metrics, releases, cache, kept), releases, cache)
    live, webhooks = Live(settings, live_metrics(metrics)), Webhooks(settings)

    @asynccontextmanager
    async def lifespan(_: Litestar) -> AsyncGenerator[None, None]:
        await releases.start()
        try:
            ready()
            yield
        finally:
            await live.close()
            await webhooks.close()
            await releases.stop()
            await cache.close()

    app = Litestar(
        route_handlers=[
            list_metrics,
            ask_metric,
            show_release,
            show_health,
            live_router(live),
            webhooks_router(webhooks, settings),
            site_router(settings.state_dir / "site"),
        ],
        dependencies={"parts": Provide(lambda: parts, sync_to_thread=False)},
        exception_handlers={Exception: answer_problem},
        lifespan=[lifespan],
        state=State({"live": live}),
        openapi_config=_openapi(),
        logging_config=None,
    )
    app.asgi_handler = Front(app.asgi_handler, kept, releases, settings.log_level in ("debug", "info"))
    return app


def _openapi() -> OpenAPIConfig:
    """Describe the API as JSON and YAML; a page would fetch its script from someone else's server."""
    return OpenAPIConfig(
        title="Boathouse",
        version=version("boathouse"),
        description="Metrics over the current release.",
        path="/schema",
        render_plugins=[JsonRenderPlugin(), YamlRenderPlugin()],
        use_handler_docstrings=False,
    )
