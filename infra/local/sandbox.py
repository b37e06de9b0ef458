"""The sandbox shop as an embedded service: it stands in for Shopify and Stripe while no source is set."""

import signal
import sys
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from infra.local.ports import Ports
from infra.local.processes import Launch
from infra.local.records import Record
from infra.sandbox import credentials
from lake.settings import PREFIX, Settings


class Sandbox:
    """The simulated shop's HTTP server, in a process of its own."""

    name = "sandbox"
    title = "The sandbox shop"
    setting = PREFIX + "SHOPIFY_SHOP"
    stop_signals = (signal.SIGTERM,)

    def wanted(self, settings: Settings) -> bool:
        """Tell whether the user has set no source of his own."""
        return settings.uses_sandbox

    def asked(self, settings: Settings) -> int:
        """Give the port that the settings ask for."""
        return settings.sandbox_port

    def ports(self, settings: Settings, free: Ports, last: dict[str, int]) -> dict[str, int]:
        """Choose its port."""
        return {"http": free.take(settings.sandbox_port, last.get("http"), PREFIX + "SANDBOX_PORT")}

    def secrets(self, folder: Path, last: dict[str, str]) -> dict[str, str]:
        """Have none: what lets a client in is the same in every sandbox."""
        return {}

    def prepare(self, settings: Settings, folder: Path, record: Record) -> Launch:
        """Say how to start it over the history or the synthetic orders that the settings name."""
        scratch = folder / "bulk"
        scratch.mkdir(parents=True, exist_ok=True)
        argv = [sys.executable, "-m", "infra.sandbox", "--port", str(record.ports["http"])]
        argv += ["--seed", str(settings.sandbox_seed), "--orders", str(settings.sandbox_orders)]
        argv += ["--busy", str(settings.sandbox_busy)]
        argv += ["--chaos", str(settings.sandbox_chaos.absolute())] if settings.sandbox_chaos else []
        return Launch([*argv, "--state-dir", str(scratch)], folder, str(scratch))

    def probe(self, record: Record) -> None:
        """Ask it for its health."""
        httpx.get(f"http://127.0.0.1:{record.ports['http']}/healthz", timeout=5).raise_for_status()

    def addresses(self, record: Record) -> dict[str, Any]:
        """Give the vendors' addresses and credentials."""
        url = f"http://127.0.0.1:{record.ports['http']}"
        return {
            "shopify_shop": credentials.SHOP,
            "shopify_client_id": credentials.SHOPIFY_CLIENT_ID,
            "shopify_client_secret": SecretStr(credentials.SHOPIFY_CLIENT_SECRET),
            "shopify_url": url,
            "stripe_api_key": SecretStr(credentials.STRIPE_API_KEY),
            "stripe_url": url,
            "stripe_webhook_secrets": [SecretStr(credentials.STRIPE_WEBHOOK_SECRET)],
        }
