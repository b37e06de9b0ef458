"""``transforms``: killed at eight places, or started twice at once, gold ends as a build of everything gives it."""

import random
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from boathouse.console import console
from infra import local
from lake.settings import Settings
from lake.transforms import transform
from lake.warehouse import PROJECT, gold_tables, read_gold
from tests.chaos.killing import PLACES, kill_at, order, race
from tests.sqlmesh.conftest import Bronze

RACES = 5
"""How often in a round two transforms start at once."""
VIEWS = {"transform.promoting", "transform.promoted"}
"""Places that are passed only when a model changed."""
BY_KEY = {"transform.deleted", "transform.written"}
"""Places that are passed where rows are put into a table by their key, and not when everything is built."""
MANY = {"transform.model": 70, "transform.replaced": 5, "transform.deleted": 5, "transform.written": 5}
"""Places that a transform passes more than once, and about how often."""
CHANGED = "models/gold/fact_payments.sql"


def kill_transforms(rounds: int, seed: int) -> None:
    """Kill at each place once a round, then start two at once; orders come, change and go in between.

    After each round gold is held against all of it built in a warehouse that held nothing, and after the last also
    against one that SQLMesh builds from nothing.
    """
    with tempfile.TemporaryDirectory(prefix="boathouse-chaos-") as folder:
        plain = Settings(_env_file=None, state_dir=Path(folder) / "services")
        try:
            with local.running(plain, only={"seaweedfs"}) as live:
                trials = Trials(live, Path(folder), seed)
                trials.begin()
                for turn in range(1, rounds + 1):
                    trials.strike(turn)
                    trials.compare("empty")
                    console.print(f"round {turn} of {rounds}: {trials.told}", soft_wrap=True)
                trials.compare("")
        finally:
            local.remove_all(plain)
    console.print(f"chaos transforms: ok · {trials.told} · seed {seed}", style="bold", soft_wrap=True)


@dataclass
class Trials:
    """A warehouse that is struck, its bronze, and what was done to it by now."""

    live: Settings
    folder: Path
    seed: int
    killed: int = 0
    refused: int = 0
    compared: int = 0
    began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.chance, self.bronze, self.kept = random.Random(self.seed), Bronze(self.live), self._warehouse("kept")

    @property
    def told(self) -> str:
        """Say what is behind us."""
        struck = f"{self.killed} kills at {len(PLACES)} places, {self.refused} refusals of a second transform"
        equal = f"gold equal to a build of everything {self.compared} times"
        return f"{struck}, {equal}, {time.monotonic() - self.began:.0f} s"

    def begin(self) -> None:
        """Build the warehouse, one that holds nothing, and a second project in which a model is another."""
        shutil.copytree(PROJECT, self.edited, ignore=shutil.ignore_patterns(".cache", "logs", "tests", "__pycache__"))
        model = self.edited / CHANGED
        model.write_text(model.read_text().replace("status::TEXT AS status", "UPPER(status)::TEXT AS status"))
        transform(self._warehouse("empty"), {})
        self._change(0)
        transform(self.kept, self.bronze.pins())

    def strike(self, turn: int) -> None:
        """Kill once at each place, at one of them during a build of everything, and start two at once some times."""
        everything = self.chance.choice([place for place in PLACES if place not in BY_KEY])
        for place in self.chance.sample(PLACES, len(PLACES)):
            # What changed may not pass the place that often, but it passes it.
            for hit in (self.chance.randint(1, MANY.get(place, 1)), 1):
                if self._kill(place, turn, hit, anew=place == everything):
                    break
            else:
                sys.exit(f"chaos transforms: a build didn't pass {place} (seed {self.seed})")
            self.killed += 1
        for _ in range(RACES):
            self._change(turn)
            race(self.kept, self.bronze.pins())
            self.refused += 1

    def compare(self, template: str) -> None:
        """Hold gold against that of a new warehouse, a copy of ``template`` or nothing at all."""
        anew = self._warehouse("anew")
        shutil.rmtree(anew.state_dir, ignore_errors=True)
        if template:
            shutil.copytree(self.folder / template, anew.state_dir)
        for settings in (self.kept, anew):
            transform(settings, self.bronze.pins())
        for table in gold_tables():
            if read_gold(self.kept, table) != read_gold(anew, table):
                sys.exit(f"chaos transforms: gold.{table} isn't what a build of everything gives (seed {self.seed})")
        self.compared += 1

    @property
    def edited(self) -> Path:
        """Where the second project is."""
        return self.folder / "edited"

    def _kill(self, place: str, turn: int, hit: int, *, anew: bool) -> bool:
        self._change(turn)
        project = self.edited if place in VIEWS else PROJECT
        return kill_at(place, self.kept, self.bronze.pins(), hit=hit, anew=anew, project=project)

    def _change(self, turn: int) -> None:
        """Make some orders, change or delete some, and let one come late."""
        version = f"2026-03-01T00:{turn % 60:02}:{self.chance.randint(0, 59):02}Z"
        numbers = self.chance.sample(range(1, 40), 6)
        documents = [
            order(number, f"2026-01-{number % 28 + 1:02}", f"{number}.{turn % 90 + 10}", version) for number in numbers
        ]
        key, _, _ = documents.pop()
        late = order(100 + turn, "2025-06-01", "3.00")
        self.bronze.load("shopify_orders", [*documents, (key, version, None), late])

    def _warehouse(self, name: str) -> Settings:
        return self.live.model_copy(update={"state_dir": self.folder / name})
