"""``transforms``: killed at eight places, or started twice at once, gold ends as a build of everything gives it."""

import random
import sys
import tempfile
import time
from pathlib import Path

from boathouse.console import console
from infra import local
from lake.settings import Settings
from lake.transforms import transform
from lake.warehouse import gold_tables, read_gold
from tests.chaos.killing import PLACES, kill_at, order, race
from tests.sqlmesh.conftest import Bronze


def kill_transforms(rounds: int, seed: int) -> None:
    """Kill at each place once a round, then start two at once; orders come, change and go in between."""
    chance, killed, began = random.Random(seed), 0, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="boathouse-chaos-") as folder:
        plain = Settings(_env_file=None, state_dir=Path(folder) / "services")
        try:
            with local.running(plain, only={"seaweedfs"}) as live:
                bronze = Bronze(live)
                kept = live.model_copy(update={"state_dir": Path(folder) / "kept"})
                _change(bronze, chance, 0)
                transform(kept, bronze.pins())
                for turn in range(1, rounds + 1):
                    killed += _strike(bronze, chance, kept, turn)
                    _change(bronze, chance, turn)
                    race(kept, bronze.pins())
                    _compare(kept, live.model_copy(update={"state_dir": Path(folder) / f"anew-{turn}"}), bronze, seed)
                    told = f"killed {killed} times so far, gold equals a build of everything"
                    console.print(f"round {turn} of {rounds}: {told}")
        finally:
            local.remove_all(plain)
    done = f"{killed} kills at {len(PLACES)} places, {rounds} refusals of a second transform"
    took = f"{time.monotonic() - began:.0f} s"
    console.print(f"chaos transforms: ok · {done} · {took} · seed {seed}", style="bold", soft_wrap=True)


def _strike(bronze: Bronze, chance: random.Random, kept: Settings, turn: int) -> int:
    killed = 0
    for place in chance.sample(PLACES, len(PLACES)):
        console.print(f"round {turn}: {place}", style="dim")
        _change(bronze, chance, turn)
        hit = chance.randint(1, 6) if place in {"transform.model", "transform.deleted", "transform.written"} else 1
        killed += kill_at(place, kept, bronze.pins(), hit=hit, anew=place in {"transform.replaced"})
    return killed


def _change(bronze: Bronze, chance: random.Random, turn: int) -> None:
    """Make some orders, change or delete some, and let one come late."""
    version = f"2026-03-01T00:{turn:02}:{chance.randint(0, 59):02}Z"
    numbers = chance.sample(range(1, 40), 6)
    documents = [
        order(number, f"2026-01-{number % 28 + 1:02}", f"{number}.{turn % 90 + 10}", version) for number in numbers
    ]
    key, _, _ = documents.pop()
    bronze.load("shopify_orders", [*documents, (key, version, None), order(100 + turn, "2025-06-01", "3.00")])


def _compare(kept: Settings, anew: Settings, bronze: Bronze, seed: int) -> None:
    transform(kept, bronze.pins())
    transform(anew, bronze.pins())
    for table in gold_tables():
        if read_gold(kept, table) != read_gold(anew, table):
            sys.exit(f"chaos transforms: gold.{table} isn't what a build of everything gives (seed {seed})")
