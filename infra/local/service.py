"""What every embedded service says of itself."""

import signal
from pathlib import Path
from typing import Any, Protocol

from infra.local.ports import Ports
from infra.local.processes import Launch
from infra.local.records import Record
from lake.settings import Settings


class Service(Protocol):
    """One embedded service: how it is found, set up, started, asked whether it is ready, and addressed."""

    @property
    def name(self) -> str:
        """Give the name of its folder and record."""

    @property
    def title(self) -> str:
        """Give the name a user knows."""

    @property
    def setting(self) -> str:
        """Name the setting that puts the user's own service in its place."""

    @property
    def stop_signals(self) -> tuple[signal.Signals, ...]:
        """Give the signals that end it in good order, the gentlest first."""

    def wanted(self, settings: Settings) -> bool:
        """Tell whether the user has none of his own."""

    def asked(self, settings: Settings) -> int:
        """Give the port that the settings ask for."""

    def ports(self, settings: Settings, free: Ports, last: dict[str, int]) -> dict[str, int]:
        """Choose all its ports."""

    def secrets(self, folder: Path, last: dict[str, str]) -> dict[str, str]:
        """Keep or make its credentials."""

    def prepare(self, settings: Settings, folder: Path, record: Record) -> Launch:
        """Write its configuration and first data under ``folder``; say how to start it."""

    def probe(self, record: Record) -> None:
        """Read something through it; raises anything while it isn't ready."""

    def addresses(self, record: Record) -> dict[str, Any]:
        """Give the settings that it fills in."""
