"""A sandbox shop in this process, new for each test, and the truth that it holds."""

import asyncio
import json
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
from granian.constants import Interfaces
from granian.server.embed import Server

from infra.sandbox.server import HOST, Application
from infra.sandbox.shop import Shop
from lake.ports import holding


class Sandbox:
    """One server; ``renew`` puts another shop behind it."""

    def __init__(self) -> None:
        self._held = ExitStack()
        port = self._held.enter_context(holding([0]))
        assert port is not None
        self.port = port
        self.url = f"http://{HOST}:{self.port}"
        self.application: Application | None = None
        self._loop = asyncio.new_event_loop()
        self._server = Server(self, HOST, self.port, interface=Interfaces.ASGINL, websockets=False, log_enabled=False)
        self._thread = Thread(target=self._loop.run_until_complete, args=(self._server.serve(),), daemon=True)
        self._thread.start()
        self.http = httpx.Client(base_url=self.url, transport=httpx.HTTPTransport(retries=10), timeout=10)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert self.application is not None
        await self.application(scope, receive, send)

    def renew(self, orders: int, folder: Path) -> None:
        """Answer from now on as a new shop with so many orders."""
        self.application = Application(Shop(1997, orders), folder, "plus")

    def close(self) -> None:
        self.http.close()
        self._loop.call_soon_threadsafe(self._server.stop)
        self._thread.join(10)
        self._loop.close()
        self._held.close()

    def begin(self, *faults: dict[str, Any]) -> None:
        answer = self.http.post("/chaos", json={"faults": list(faults)})
        assert answer.status_code == 200, answer.text

    def end(self) -> list[int]:
        """End the chaos and say how often each fault struck."""
        return [fault["struck"] for fault in self.http.delete("/chaos").json()["faults"]]

    def write(self, orders: int = 0, changes: int = 0) -> list[Any]:
        """Sell and change orders, and give the webhooks that go out."""
        told = self.http.post("/chaos/writes", json={"orders": orders, "changes": changes})
        webhooks: list[Any] = told.json()["webhooks"]
        return webhooks

    def truth(self, table: str) -> list[dict[str, Any]]:
        """List what the shop holds now."""
        return [json.loads(line) for line in self.http.get(f"/truth/{table}.jsonl").content.splitlines()]
