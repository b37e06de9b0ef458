"""The sandbox shop's HTTP server: both vendors on one port of loopback, in one process."""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from functools import partial
from pathlib import Path
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server

from infra.sandbox.answer import Answer, Request, json_answer, ranged
from infra.sandbox.chaos.endings import send_badly
from infra.sandbox.chaos.routes import ChaosRoutes
from infra.sandbox.chaos.script import load_script
from infra.sandbox.chaos.stage import Chaos
from infra.sandbox.chaos.writes import write
from infra.sandbox.ledger import Ledger
from infra.sandbox.selling.busy import open_shop
from infra.sandbox.selling.control import Control
from infra.sandbox.shop import Shop
from infra.sandbox.shopify.admin import Admin
from infra.sandbox.stripe.api import StripeApi
from lake.errors import PortTakenError
from lake.ports import LOOPBACK, holding

HOST = LOOPBACK
_PIECE = 1 << 20
_SWITCH = 0.001
_PATIENCE = 3.0

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


class Application:
    """An ASGI application that answers as Shopify and as Stripe."""

    def __init__(self, shop: Shop, state_dir: Path, plan: str) -> None:
        self.shop = shop
        self.admin = Admin(shop, state_dir, plan)
        self.stripe = StripeApi(shop)
        self.chaos = Chaos(self.admin.bulk.about, partial(write, shop))
        self.chaos_routes = ChaosRoutes(shop, self.chaos)
        self.ledger = Ledger(shop, self.admin.roots)
        self.control = Control(shop, self.chaos.webhooks)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        body = await _body(receive) if scope["method"] == "POST" else b""
        query = scope["query_string"].decode("latin-1")
        answer = self.answer(Request(scope["method"], scope["path"], query, headers, body))
        await _send(ranged(answer, headers.get("range", "")), scope["client"], send)

    def answer(self, request: Request) -> Answer:
        """Answer one request."""
        if request.path == "/healthz":
            counts = {"orders": self.shop.order_count, "customers": self.shop.customer_count}
            return json_answer(200, {"status": "ok", "seed": self.shop.seed, **counts})
        for part in (self.control, self.chaos_routes, self.ledger):
            if own := part.answer(request):
                return own
        with self.shop.sales.lock:
            return self.chaos.answer(request, self._vendor)

    def _vendor(self, request: Request) -> Answer:
        found = self.stripe.answer(request) or self.admin.answer(request)
        found = found or json_answer(404, {"errors": "Not Found"})
        return found._replace(headers=found.headers | {"date": formatdate(self.shop.now(), usegmt=True)})


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _send(answer: Answer, client: tuple[str, Any], send: Send) -> None:
    size = answer.file.stat().st_size if answer.file else len(answer.body)
    headers = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
    if answer.pieces is None:
        headers.append((b"content-length", str(size).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if answer.ending:
        await send_badly(answer, client, send)
        return
    for piece in answer.pieces or ():
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    if answer.file:
        with answer.file.open("rb") as file:
            while piece := file.read(_PIECE):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})


def serve(
    port: int,
    *,
    seed: int,
    orders: int,
    state_dir: Path,
    busy: int = 0,
    plan: str = "standard",
    chaos: Path | None = None,
) -> None:
    """Serve the shop on a port of loopback until SIGINT or SIGTERM; port 0 is any free one.

    ``orders`` synthetic orders, or the CDNOW history if 0, and ``busy`` orders sold after them. Prints one line with
    the address as soon as it listens. What is sold is kept in ``state_dir``; ``chaos`` is a file with a script to
    begin with. Raises PortTakenError, ServiceError if what was sold can't be read, or SettingError if the script is
    wrong.
    """
    script = load_script(chaos) if chaos else None
    with holding([port], HOST) as held:
        if held is None:
            raise PortTakenError(
                f"Port {port} of {HOST} belongs to something else; stop that, or set BOATHOUSE_SANDBOX_PORT to another."
            )
        name = f"sales-{seed}-{orders}-{busy}.jsonl" if busy else f"sales-{seed}-{orders}.jsonl"
        shop = open_shop(seed, orders, busy, state_dir / name)
        application = Application(shop, state_dir, plan)
        if script:
            application.chaos_routes.begin(script)
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        sys.setswitchinterval(_SWITCH)
        logging.getLogger("_granian").setLevel(logging.ERROR)
        try:
            asyncio.run(_serve(application, held))
        finally:
            application.control.stop(_PATIENCE)


async def _serve(application: Application, port: int) -> None:
    server = Server(application, HOST, port, interface=Interfaces.ASGINL, websockets=False, log_enabled=False)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, server.stop)
    announcing = asyncio.create_task(_announce(port))
    await server.serve()
    announcing.cancel()


async def _announce(port: int) -> None:
    while True:
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            await asyncio.sleep(0.01)
            continue
        writer.close()
        print(f"sandbox shop listening on http://{HOST}:{port}", flush=True)
        return
