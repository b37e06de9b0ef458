"""The live demonstration: sell for a while, watch the numbers move, and hold them against the batch."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import quantiles

import httpx
import msgspec

from boathouse.console import Steps, console
from boathouse.run import pull_and_release, started
from boathouse.sandbox_commands import running_sandbox
from infra.sandbox.selling.client import Sold, sell
from lake.catalogue import open_catalogue
from lake.errors import ServiceError
from lake.live.windows import COUNT, MINUTE, LiveWindows, minute_of
from lake.locks import writing
from lake.releases import current_release
from lake.settings import Settings
from server.serve import serving
from streams.agreement import Agreement, compare
from streams.landed import wait_until_landed
from streams.running import flowing

PATIENCE = timedelta(minutes=5)


class Watcher:
    """Reads the API's live stream as a browser does, and notes how old the newest event of each change is."""

    def __init__(self, address: str) -> None:
        self.delays: list[float] = []
        self.watermark: datetime | None = None
        self._address = address
        self._beat = threading.Condition()
        self._thread = threading.Thread(target=self._read, name="watcher", daemon=True)
        self._since = datetime.now(UTC)
        self._stopped = False

    def __enter__(self) -> "Watcher":
        """Start reading."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop reading at the next beat."""
        self._stopped = True
        self._thread.join(timeout=10)

    def wait_until_closed(self, minute: datetime) -> None:
        """Wait until the window that begins at ``minute`` is closed. Raises ServiceError when it never is."""
        with self._beat:
            closed = self._beat.wait_for(
                lambda: self.watermark is not None and self.watermark >= minute + MINUTE, PATIENCE.total_seconds()
            )
        if not closed:
            raise ServiceError("The live flow didn't close its windows in time; see what it says with `just stream`.")

    def _read(self) -> None:
        with (
            httpx.Client(base_url=self._address, timeout=httpx.Timeout(30)) as client,
            client.stream("GET", "/v1/live/stream") as answer,
        ):
            event = ""
            for line in answer.iter_lines():
                if self._stopped:
                    return
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    self._take(event, msgspec.json.decode(line.removeprefix("data: ")))

    def _take(self, event: str, said: dict[str, str]) -> None:
        if event == "window":
            newest = datetime.fromisoformat(said["newest_event_at"])
            if newest > self._since:
                self.delays.append((datetime.now(UTC) - newest).total_seconds())
        elif event == "beat" and said.get("watermark"):
            with self._beat:
                self.watermark = datetime.fromisoformat(said["watermark"])
                self._beat.notify_all()


def demonstrate(settings: Settings, rate: float, seconds: float) -> None:
    """Start what it needs, sell, run the batch, and end in the line that says whether the two lanes agree.

    Raises BoathouseError.
    """
    steps = Steps()
    if not settings.uses_sandbox:
        raise ServiceError("`just live` sells in the sandbox shop, which stays out while a source of yours is set.")
    with writing(settings, "just live"), _everything(settings, steps) as (live, address):
        catalogue = open_catalogue(live)
        if current_release(catalogue) is None:
            pull_and_release(live, catalogue, steps)
        began = minute_of(datetime.now(UTC))
        with Watcher(address) as watcher:
            sold = _sell(live, address, steps, rate, seconds)
            with steps.step("close") as (_, say):
                say("waiting for the last minute's window")
                watcher.wait_until_closed(minute_of(datetime.now(UTC)))
                say("waiting for the last events to land in bronze")
                wait_until_landed(live, PATIENCE)
        release, _ = pull_and_release(live, catalogue, steps)
        agreement = compare(live, release.gold["fact_orders"], release.bronze.get("stripe_refunds"), began)
        _say(live, sold, agreement, watcher.delays, began)


@contextmanager
def _everything(settings: Settings, steps: Steps) -> Iterator[tuple[Settings, str]]:
    with started(settings, steps) as live, serving(live) as address, flowing(live):
        console.print(f"live numbers at {address}/live", style="bold")
        yield live, address


def _sell(live: Settings, address: str, steps: Steps, rate: float, seconds: float) -> Sold:
    with steps.step("sell") as (step, say):
        dsn = live.postgres_dsn.get_secret_value() if live.postgres_dsn else None
        url = running_sandbox(
            live.model_copy(update={"shopify_shop": None, "stripe_api_key": None, "postgres_dsn": None})
        )
        sold = sell(url, rate, seconds, address, say, postgres_dsn=dsn)
        step.rows = sold.orders
        step.remark = sold.remark
    console.print(f"  {sold.remark}", soft_wrap=True)
    return sold


def _say(live: Settings, sold: Sold, agreement: Agreement, delays: list[float], began: datetime) -> None:
    windows = LiveWindows(live)
    found = windows.since(began)
    windows.close()
    orders = sum((window.values.get(COUNT, Decimal(0)) for window in found), Decimal(0))
    revenue: dict[str, Decimal] = {}
    for window in found:
        revenue[window.currency] = revenue.get(window.currency, Decimal(0)) + window.values.get(
            "net_amount", Decimal(0)
        )
    for name in agreement.differing:
        console.print(f"differs: {name}", style="red")
    cuts = quantiles(delays, n=100) if len(delays) > 1 else [0.0] * 99
    money = " + ".join(f"{amount:.2f} {currency}" for currency, amount in sorted(revenue.items()) if amount)
    console.print(
        f"live: orders {orders} · net revenue {money or 0} · batch agrees in {agreement.agreeing} of {agreement.closed}"
        f" closed windows · event to API p50 {cuts[49]:.2f} s, p99 {cuts[98]:.2f} s",
        soft_wrap=True,
        style="bold",
    )
    if agreement.differing or orders != sold.orders:
        raise ServiceError(
            f"The live numbers hold {orders} of {sold.orders} orders and differ in {len(agreement.differing)} windows."
        )
