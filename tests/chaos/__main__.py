"""``python -m tests.chaos NAME`` is the long form of the kills that ``just test`` tries once each."""

import random
import sys
import tempfile
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
    choose = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="boathouse-chaos-") as folder:
        plain = Settings(_env_file=None, state_dir=Path(folder) / "state")
        silence_telemetry(plain)
        try:
            with local.running(plain, only={"seaweedfs", "postgres"}) as live:
                ensure_namespaces(open_catalogue(live))
                _kill(live, kills, seed, choose)
        finally:
            local.remove_all(plain)
    console.print(
        f"cdc: {kills * len(FAILPOINTS)} kills at {len(FAILPOINTS)} places · 0 lost, 0 doubled, 0 wrong", style="bold"
    )


def _kill(live: Settings, kills: int, seed: int, choose: random.Random) -> None:
    with console.status("…") as status:
        for number in range(kills):
            trials = Trials(live, local.admin_dsn(live), f"c{uuid4().hex[:10]}", seed + number)
            try:
                trials.killed_at("cdc.during_copy")
                for failpoint in choose.sample(FAILPOINTS, len(FAILPOINTS)):
                    status.update(f"kill {number + 1} of {kills} at {failpoint}")
                    trials.killed_at(failpoint)
            finally:
                trials.close()


if __name__ == "__main__":
    try:
        typer.run(main)
    except (AssertionError, BoathouseError) as error:
        print(f"chaos: {error}", file=sys.stderr)
        sys.exit(1)
