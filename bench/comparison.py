"""Contestants run in turn, A B A B, and their ratios: as a table, and as JSON for whoever collects them."""

import json
import os
import platform
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import asdict, dataclass, replace
from statistics import median

from rich.table import Table

from bench.figures import Figures
from bench.trial import Trial
from lake.errors import ProofError, UnknownNameError

OURS = "boathouse"
PAIRS = 5
AMONG: ContextVar[tuple[str, ...]] = ContextVar("AMONG", default=())
"""The peers that are wanted, by name; all of them when it is empty."""
WARM_UP: ContextVar[bool] = ContextVar("WARM_UP", default=True)
"""Whether everyone runs once before it counts."""


@dataclass(frozen=True)
class Contestant:
    """Who runs: ``kind`` is ours, peer or limit."""

    name: str
    kind: str
    run: Callable[[], Trial]


@dataclass(frozen=True)
class Ratio:
    """How many times as fast as another ours is, over all pairs."""

    median: float
    least: float
    most: float


@dataclass(frozen=True)
class Comparison(Figures):
    """Every trial of every contestant, in the order in which they ran; ``more`` are those of other situations."""

    name: str
    rows: int
    contestants: tuple[Contestant, ...]
    trials: dict[str, list[Trial]]
    more: tuple["Comparison", ...] = ()

    def beside(self, *more: "Comparison") -> "Comparison":
        """Give it together with those of other situations."""
        return replace(self, more=more)

    def ratio(self, other: str) -> Ratio:
        """Compare ours with another's trial of the same turn."""
        pairs = zip(self.trials[OURS], self.trials[other], strict=True)
        ratios = [theirs.seconds / ours.seconds for ours, theirs in pairs]
        return Ratio(median(ratios), min(ratios), max(ratios))

    def best(self, kind: str) -> str | None:
        """Name the fastest peer; of the limits the slowest, since nobody gets below any of them."""
        names = [one.name for one in self.contestants if one.kind == kind]
        if not names:
            return None
        return (max if kind == "limit" else min)(names, key=self.seconds)

    def seconds(self, name: str) -> float:
        """Give the median of a contestant's seconds."""
        return median(trial.seconds for trial in self.trials[name])

    def cpu_seconds(self, name: str) -> float:
        """Give the median of a contestant's seconds of CPU."""
        return median(trial.cpu_seconds for trial in self.trials[name])

    def peak_bytes(self, name: str) -> int:
        """Give the most memory that a contestant took."""
        return max(trial.peak_bytes for trial in self.trials[name])

    @property
    def pairs(self) -> int:
        """Say how often each contestant ran."""
        return len(self.trials[OURS])

    @property
    def told(self) -> str:
        """Say it in a line."""
        peer, limit = self.best("peer"), self.best("limit")
        said = [f"{self.rows:,} rows"]
        said += [f"{self.ratio(peer).median:.1f} × {peer}"] if peer else []
        said += [f"{self.ratio(limit).median:.2f} × the limit ({limit})"] if limit else []
        return " · ".join(said)

    def as_json(self) -> str:
        """Write it down: rates in rows a second, ratios of speed, so that more is better."""
        rates = {name: self.rows / self.seconds(name) for name in self.trials}
        peer, limit = self.best("peer"), self.best("limit")
        peers = {one.name: rates[one.name] for one in self.contestants if one.kind == "peer"}
        said = {
            "name": self.name,
            "unit": "rows/s",
            "rows": self.rows,
            "ours": rates[OURS],
            "peer": rates[peer] if peer else None,
            "peers": peers,
            "limit": rates[limit] if limit else None,
            "vs_peer": asdict(self.ratio(peer)) if peer else None,
            "vs_peers": {name: asdict(self.ratio(name)) for name in peers},
            "vs_limit": asdict(self.ratio(limit)) if limit else None,
            "rows_a_cpu_second": {name: self.rows / self.cpu_seconds(name) for name in self.trials},
            "peak_bytes": {name: self.peak_bytes(name) for name in self.trials},
            "pairs": self.pairs,
            "versions": {name: tried[0].version for name, tried in self.trials.items()},
            "machine": machine(),
        }
        return json.dumps(said, indent=2)

    def table(self) -> Table:
        """Give it as a person reads it."""
        table = Table(box=None, pad_edge=False)
        table.add_column("contestant", no_wrap=True)
        for name in ("seconds", "rows/s", "rows/CPU s", "peak MiB", "ours is"):
            table.add_column(name, justify="right")
        for name in self.trials:
            ratio = "" if name == OURS else f"{(r := self.ratio(name)).median:.2f} × ({r.least:.2f}-{r.most:.2f})"
            seconds, peak = self.seconds(name), self.peak_bytes(name) / 2**20
            numbers = f"{seconds:.2f}", f"{self.rows / seconds:,.0f}", f"{self.rows / self.cpu_seconds(name):,.0f}"
            table.add_row(name, *numbers, f"{peak:,.0f}", ratio)
        return table


def machine() -> str:
    """Name what the figures were taken on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.system()} {platform.machine()}, {cores} cores, Python {platform.python_version()}"


def compare(
    name: str, rows: int, contestants: tuple[Contestant, ...], pairs: int, say: Callable[[str], None]
) -> Comparison:
    """Warm everyone up once unless WARM_UP says not to, then let them run ``pairs`` times, taking turns.

    Of the peers only those in AMONG take part. Raises ProofError when someone did other work than the others, and
    UnknownNameError for a peer that there isn't.
    """
    contestants = _wanted(contestants, AMONG.get())
    trials: dict[str, list[Trial]] = {one.name: [] for one in contestants}
    for turn, one in _turns(contestants, pairs):
        say(f"{name}: {one.name}, {'warm-up' if turn == 0 else f'{turn} of {pairs}'}")
        trial = one.run()
        if turn:
            trials[one.name].append(trial)
    done = {(trial.rows, trial.checksum) for tried in trials.values() for trial in tried}
    if len(done) != 1 or next(iter(done))[0] != rows:
        raise ProofError(f"The contestants of {name} did different work, so their times say nothing: {sorted(done)}.")
    return Comparison(name, rows, contestants, trials)


def _wanted(contestants: tuple[Contestant, ...], among: tuple[str, ...]) -> tuple[Contestant, ...]:
    peers = [one.name for one in contestants if one.kind == "peer"]
    if unknown := [name for name in among if name not in peers]:
        raise UnknownNameError("peer", unknown[0], peers)
    return tuple(one for one in contestants if one.kind != "peer" or not among or one.name in among)


def _turns(contestants: tuple[Contestant, ...], pairs: int) -> Iterator[tuple[int, Contestant]]:
    for turn in range(0 if WARM_UP.get() else 1, pairs + 1):
        for one in contestants:
            yield turn, one
