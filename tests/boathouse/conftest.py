"""A lake of one's own with a bronze that documents are added to, for what a run does after it has pulled."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from boathouse.gates import Gates
from boathouse.refresh import bronze_pins, build, release_gold
from lake.catalogue import open_catalogue
from lake.releases import Release
from lake.settings import Settings
from tests.server.conftest import new_lake as new_lake
from tests.sqlmesh.conftest import Bronze


class House:
    """A lake, its bronze, and the part of a run from there to a release."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.catalogue = open_catalogue(settings)
        self._bronze = Bronze(settings, "bronze")

    def land(self, load: str, table: str, documents: Iterable[tuple[str, str, dict[str, Any] | None]]) -> None:
        """Land documents (id, version, payload) in a load of that name."""
        self._bronze.load(table, documents, load=load)

    def run(self, models: dict[str, str] | None = None) -> Release:
        """Check what landed, build, check what leaves, and cut a release."""
        gates = Gates(self.catalogue)
        gates.enter(self.settings)
        pins = bronze_pins(self.catalogue)
        result = build(self.settings, gates, pins, lambda _: None)
        gates.leave(self.settings)
        return release_gold(self.settings, gates, pins, result.models | (models or {}))[0]


@pytest.fixture(scope="module")
def house(
    new_lake: Callable[[], Settings], built_in: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory
) -> House:
    own: dict[str, Any] = {"state_dir": built_in(tmp_path_factory.mktemp("house"))}
    return House(new_lake().model_copy(update=own))
