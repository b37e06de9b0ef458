"""Who builds silver and gold: ours, DuckDB alone, and dbt in two ways, each from a warehouse that it built before."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.transform.done import LEFT
from bench.transform.rendered import Rendered
from bench.trial import Trial, attempt
from lake.handover import dump
from lake.pins import Pin
from lake.settings import Settings
from lake.warehouse import WAREHOUSE, attach_bronze

HERE = Path(__file__).parent
# The peer's own environment: dbt-core 1.12 isn't whole on PyPI. Its DuckDB is ours, so that files and hashes are.
PEER = ("uv", "run", "--no-project", "--quiet", "--with", "dbt-duckdb", "--with", "dbt-core<1.12")
SAME = ("--with", "duckdb==1.5.5")


@dataclass(frozen=True)
class Work:
    """What is to be built: from which bronze, of which files, and which models when not all."""

    pins: Mapping[str, Pin]
    project: Path
    models: Sequence[Rendered]
    only: tuple[str, ...] = ()

    @property
    def wanted(self) -> list[Rendered]:
        """The models to build."""
        return [model for model in self.models if not self.only or model["model"] in self.only]


@dataclass(frozen=True)
class Stage:
    """Where the contestants build, one folder each; ``since`` is when the news were received."""

    live: Settings
    folder: Path
    since: str

    def ours(self, work: Work, *, fresh: bool) -> Trial:
        """Have ours bring its warehouse up to date, as it was after the first build unless ``fresh``."""
        return attempt([sys.executable, "-m", "bench.transform.ours"], self._told("ours", work, fresh))

    def bare(self, work: Work, *, fresh: bool) -> Trial:
        """Have DuckDB alone build the models."""
        told = self._told("bare", work, fresh) | {"models": work.wanted}
        return attempt([sys.executable, "-m", "bench.transform.bare"], told)

    def dbt(self, way: str, work: Work, *, fresh: bool) -> Trial:
        """Have dbt build the models in its ``way``."""
        script = Script()
        attach_bronze(script, self.live, work.pins, work.project)  # type: ignore[arg-type]
        told = self._told(f"dbt-{way}", work, fresh)
        place = self.folder / f"dbt-{way}"
        told |= {"folder": str(place), "file": str(place / WAREHOUSE), "way": way, "models": list(work.models)}
        told |= {"start": script.statements, "since": self.since, "left": LEFT}
        told["select"] = ["--select", *(one.split(".")[1] for one in work.only)] if work.only else []
        return attempt([*PEER, *SAME, "python", str(HERE / "peer.py")], told)

    def keep(self, name: str) -> None:
        """Keep a contestant's folder as it is now; what it builds next begins there."""
        shutil.rmtree(self.folder / f"{name}-kept", ignore_errors=True)
        shutil.copytree(self.folder / name, self.folder / f"{name}-kept")

    def _told(self, name: str, work: Work, fresh: bool) -> dict[str, Any]:
        place, kept = self.folder / name, self.folder / f"{name}-kept"
        shutil.rmtree(place, ignore_errors=True)
        if fresh:
            place.mkdir(parents=True)
        else:
            shutil.copytree(kept, place)
        settings = dump(self.live.model_copy(update={"state_dir": place}))
        pins = {table: pin._asdict() for table, pin in work.pins.items()}
        return {"settings": settings, "pins": pins, "project": str(work.project)}


class Script:
    """Writes down what a connection would be told."""

    def __init__(self) -> None:
        self.statements: list[str] = []

    def execute(self, sql: str) -> None:
        """Take a statement."""
        self.statements.append(sql)

    def load_extension(self, path: str) -> None:
        """Take an extension's file."""
        self.statements.append(f"LOAD '{path}'")
