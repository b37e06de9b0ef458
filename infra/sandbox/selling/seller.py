"""Sells for a while: places orders at a rate, lets their fates meet them, and tells the database and the webhooks."""

import heapq
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from infra.sandbox.selling.deliveries import Deliveries
from infra.sandbox.selling.demand import delay, next_sales
from infra.sandbox.selling.sales import Fate, Sale
from infra.sandbox.selling.warehouse import Warehouse
from infra.sandbox.selling.webhooks import Webhook, of_account, of_changed, of_placed
from infra.sandbox.shop import Shop
from lake.errors import BoathouseError

Spoil = Callable[[Sequence[Webhook]], list[Webhook]]

_TICK = 0.05


@dataclass(frozen=True)
class Order:
    """What to do: ``rate`` orders a second for ``seconds``, where the webhooks go, and the database, if any."""

    rate: float
    seconds: float
    webhooks: str | None = None
    postgres_dsn: str | None = None
    backoff: float = 0.25

    @property
    def total(self) -> int:
        """How many orders that makes."""
        return round(self.rate * self.seconds)


class Seller:
    """One turn of selling, in a thread of its own; ``spoil`` gives the webhooks that really go out."""

    def __init__(self, shop: Shop, order: Order, spoil: Spoil = list) -> None:
        self.shop = shop
        self.order = order
        self._spoil = spoil
        self.state = "selling"
        self.error = ""
        self.placed = 0
        self.changed = dict.fromkeys(Fate, 0)
        self.declined = 0
        self.deliveries = Deliveries(order.webhooks, order.backoff) if order.webhooks else None
        self._stop = threading.Event()
        self._due = [(sale.created + delay(shop, sale.number), sale.number) for sale in shop.sales.pending()]
        heapq.heapify(self._due)
        self._heard = len(shop.sales.account.events)
        self._thread = threading.Thread(target=self._run, name="seller", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether it hasn't ended."""
        return self.state in ("selling", "delivering")

    def stop(self, patience: float) -> None:
        """End early, in ``patience`` seconds or later; whose fate is still to come keeps it for the next turn."""
        self._stop.set()
        self._thread.join(patience)

    def _run(self) -> None:
        warehouse: Warehouse | None = None
        try:
            warehouse = Warehouse(self.shop, self.order.postgres_dsn) if self.order.postgres_dsn else None
            self._sell(warehouse)
            self._settle(warehouse)
            self.state = "delivering"
            if self.deliveries:
                self.deliveries.drain(self._stop)
            self.state = "stopped" if self._stop.is_set() else "done"
        except BoathouseError as error:
            self.error, self.state = str(error), "failed"
        except Exception as error:
            self.error, self.state = f"The sandbox shop can't sell any more ({type(error).__name__}).", "failed"
            raise
        finally:
            if warehouse:
                warehouse.close()
            if self.deliveries:
                self.deliveries.close()

    def _sell(self, warehouse: Warehouse | None) -> None:
        began = time.monotonic()
        while self.placed < self.order.total and not self._stop.is_set():
            elapsed = min(self.order.seconds, time.monotonic() - began)
            now = int(self.shop.now())
            count = min(self.order.total, int(elapsed * self.order.rate) + 1) - self.placed
            self._step(warehouse, count, self._take_due(now), now)
            self._stop.wait(max(_TICK, (self.placed / self.order.rate) - (time.monotonic() - began)))

    def _settle(self, warehouse: Warehouse | None) -> None:
        """Let all fates that are still to come meet their orders now, or as soon as the orders are a second old."""
        while self._due and not self._stop.is_set():
            now = int(self.shop.now())
            ready = [number for _, number in self._due if self.shop.created_at(number) < now]
            self._due = [entry for entry in self._due if self.shop.created_at(entry[1]) >= now]
            self._step(warehouse, 0, ready, now)
            if self._due:
                self._stop.wait(_TICK)

    def _take_due(self, now: int) -> list[int]:
        ready = []
        while self._due and self._due[0][0] <= now:
            ready.append(heapq.heappop(self._due)[1])
        return ready

    def _step(self, warehouse: Warehouse | None, count: int, ready: list[int], now: int) -> None:
        """Place orders and let others meet their fate: visible to all at once, then booked, then told."""
        shop = self.shop
        with shop.sales.lock:
            new = next_sales(shop, count, max(now, self._latest())) if count > 0 else []
            shop.sales.place(new)
            changed = shop.sales.change(ready, max(now, self._latest())) if ready else []
            self._count(new, changed)
            webhooks = [*of_placed(shop, new), *of_changed(shop, changed)] if self.deliveries else []
            webhooks += of_account(shop, self._heard) if self.deliveries else []
            self._heard = len(shop.sales.account.events)
        if warehouse and (new or changed):
            warehouse.book(new, changed)
        if self.deliveries:
            self.deliveries.send(self._spoil(webhooks))

    def _latest(self) -> int:
        events = self.shop.sales.account.events
        return events[-1].created if events else 0

    def _count(self, new: list[Sale], changed: list[Sale]) -> None:
        self.placed += len(new)
        for sale in new:
            self.declined += sale.declined
            if sale.fate is not Fate.KEPT:
                heapq.heappush(self._due, (sale.created + delay(self.shop, sale.number), sale.number))
        for sale in changed:
            self.changed[sale.fate] += 1
