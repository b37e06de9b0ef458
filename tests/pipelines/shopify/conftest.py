"""The sandbox shop in this process: served over HTTP, and changed by a test at will."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pydantic import SecretStr

from infra.sandbox import credentials
from infra.sandbox.answer import Request
from infra.sandbox.identifiers import gid
from infra.sandbox.selling.sales import Fate, Sale
from infra.sandbox.server import Application
from infra.sandbox.shop import Shop
from lake.settings import Settings
from pipelines.shopify.api import Shopify
from tests.pipelines.conftest import Lake

NOON = 1_900_000_000
"""When a test begins to sell, in 2030: long after everything that the shop holds."""


@dataclass
class Sandbox:
    """A sandbox shop with few orders, and the requests that it answered."""

    shop: Shop
    application: Application
    url: str
    asked: list[Request]

    def sell(self, *fates: Fate, units: int = 2) -> list[str]:
        """Sell one order of two lines for each fate, a minute apart; give their ids."""
        sales = self.shop.sales
        first = sales.first_order + len(sales)
        at = NOON + 60 * len(sales)
        # An odd amount of cents makes two lines.
        made = [
            Sale(0, 0, units, 1001, at + 60 * place, "USD", declined=False, fate=fate)
            for place, fate in enumerate(fates)
        ]
        sales.place(made)
        changing = [first + place for place, fate in enumerate(fates) if fate is not Fate.KEPT]
        if changing:
            sales.change(changing, at + 60 * len(fates))
        return [gid("Order", first + place) for place in range(len(fates))]

    def delete(self, kind: str, number: int) -> str:
        """Delete a document; give its id."""
        self.shop.edits.remove(kind, number, NOON + 86_400 + self.shop.edits.version)
        return gid(kind, number)

    def save(self, kind: str, number: int) -> None:
        """Save a document again."""
        self.shop.edits.save(kind, number, NOON + 86_400 + self.shop.edits.version)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A shop of 30 orders, served in this process."""
    shop = Shop(5, 30)
    application = Application(shop, tmp_path / "bulk", "plus")
    asked: list[Request] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            path, _, query = self.path.partition("?")
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, path, query, headers, body)
            asked.append(request)
            answer = application.answer(request)
            content = answer.file.read_bytes() if answer.file else answer.body
            self.send_response(answer.status)
            for name, value in (answer.headers | {"content-length": str(len(content))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield Sandbox(shop, application, f"http://127.0.0.1:{server.server_port}", asked)
    server.shutdown()
    server.server_close()


@pytest.fixture
def app(sandbox: Sandbox) -> Settings:
    """Settings of an app of the sandbox shop."""
    return Settings(
        _env_file=None,
        shopify_shop=credentials.SHOP,
        shopify_url=sandbox.url,
        shopify_access_token=SecretStr(credentials.SHOPIFY_ACCESS_TOKEN),
    )


@pytest.fixture
def client(app: Settings) -> Iterator[Shopify]:
    client = Shopify(app)
    yield client
    client.close()


@pytest.fixture
def store(open_lake: Callable[[str], Lake], sandbox: Sandbox, app: Settings) -> Lake:
    """An empty lake whose Shopify is the sandbox shop."""
    lake = open_lake(sandbox.url)
    wanted = {"shopify_access_token": app.shopify_access_token, "shopify_shop": app.shopify_shop}
    return Lake(lake.settings.model_copy(update=wanted), lake.catalogue)
