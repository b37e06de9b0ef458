"""``python -m tests.chaos NAME`` is the long form of the kills that ``just test`` tries once each."""

import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from boathouse.console import console
from infra import local
from lake.catalogue import ensure_namespaces, open_catalogue
from lake.errors import BoathouseError, UnknownNameError
from lake.failpoints import NAMES
from lake.settings import Settings, silence_telemetry
from tests.chaos.outages import end_server, fill_disk
from tests.chaos.servers import EMBEDDED, running, versions
from tests.chaos.transforms import kill_transforms
from tests.chaos.trial import Trials

FAILPOINTS = sorted(name for name in NAMES if name.startswith("cdc."))


def main(
    name: Annotated[str, typer.Argument(help="cdc: the reader of database changes; transforms: silver and gold")],
    kills: Annotated[int, typer.Option(help="kills at each failpoint")] = 25,
    seed: Annotated[int, typer.Option(help="what the changes are made of")] = 1997,
) -> None:
    """Kill at every failpoint in turn: a reader, held against the source, or a build, held against a build of all."""
    if name == "transforms":
        kill_transforms(kills, seed)
        return
    if name != "cdc":
        raise UnknownNameError("chaos", name, ["cdc", "transforms"])
    told = Told()
    with tempfile.TemporaryDirectory(prefix="boathouse-chaos-") as folder:
        plain = Settings(_env_file=None, state_dir=Path(folder) / "state")
        silence_telemetry(plain)
        try:
            with local.running(plain, only={"seaweedfs", "postgres"}) as live:
                ensure_namespaces(open_catalogue(live))
                _kill(live, kills, seed, told)
                for version in versions():
                    with running(version, Path(folder) / version) as server:
                        told.add(end_server(server, live, f"v{uuid4().hex[:10]}", seed, kills))
                        told.say(f"Postgres {version} stopped and killed under the reader, {kills} times each way")
                        if version == EMBEDDED and os.geteuid() == 0:
                            told.add(fill_disk(server, Path(folder), seed))
                            told.say("the lake's disk full, and with room again")
        finally:
            local.remove_all(plain)
    told.close(kills)


@dataclass
class Told:
    """What was compared by now, and how long the slowest reader took after a death."""

    rows: int = 0
    slowest: float = 0.0
    began: float = field(default_factory=time.monotonic)

    def add(self, trials: Trials) -> None:
        """Count what some trials compared."""
        self.rows += trials.compared
        self.slowest = max(self.slowest, trials.slowest)

    def say(self, what: str) -> None:
        """Say what is behind us."""
        spent = time.monotonic() - self.began
        console.print(f"{what} · {self.rows:,} rows compared · {spent:.0f} s", soft_wrap=True)

    def close(self, kills: int) -> None:
        """Say all of it."""
        console.print(
            f"cdc: {kills * len(FAILPOINTS)} kills at {len(FAILPOINTS)} places · 0 lost, 0 doubled, 0 wrong of "
            f"{self.rows:,} rows compared · slowest recovery {self.slowest:.1f} s · "
            f"{time.monotonic() - self.began:.0f} s",
            style="bold",
            soft_wrap=True,
        )


def _kill(live: Settings, kills: int, seed: int, told: Told) -> None:
    choose = random.Random(seed)
    for number in range(kills):
        trials = Trials(live, local.admin_dsn(live), f"c{uuid4().hex[:10]}", seed + number)
        failpoint = "cdc.during_copy"
        try:
            with console.status("…") as status:
                trials.killed_at(failpoint)
                for failpoint in choose.sample(FAILPOINTS, len(FAILPOINTS)):
                    status.update(f"kill {number + 1} of {kills} at {failpoint}")
                    trials.killed_at(failpoint)
        except AssertionError as error:
            raise AssertionError(f"seed {seed + number}, {failpoint}: {error}") from error
        finally:
            trials.close()
        told.add(trials)
        told.say(f"{number + 1} of {kills} kills at each of {len(FAILPOINTS)} places")


if __name__ == "__main__":
    try:
        typer.run(main)
    except (AssertionError, BoathouseError) as error:
        print(f"chaos: {error}", file=sys.stderr)
        sys.exit(1)
