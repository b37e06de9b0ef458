"""How old changes are when a reader sees them: the spread over every change of each run, and what memory it took."""

import json
from dataclasses import asdict, dataclass
from statistics import median

from rich.table import Table

from bench.comparison import Ratio, machine
from bench.figures import Figures


@dataclass(frozen=True)
class Spread:
    """One run: seconds from a change's commit in the source to the moment a reader saw it, over all changes.

    ``late`` is by how much the writer fell behind its own schedule at most; ``first_bytes`` and ``last_bytes`` are
    the most memory that the follower held in the first and in the last third of the run.
    """

    rows: int
    commits: int
    p50: float
    p99: float
    most: float
    late: float
    first_bytes: int
    last_bytes: int


@dataclass(frozen=True)
class Freshness(Figures):
    """Every run of one benchmark at ``rate`` changes a second, beside ``interval``, the seconds between two flushes."""

    name: str
    rows: int
    rate: int
    interval: float
    version: str
    runs: tuple[Spread, ...]

    @property
    def p50(self) -> float:
        """Give the seconds within which half of the changes were seen, the median over the runs."""
        return median(run.p50 for run in self.runs)

    @property
    def p99(self) -> float:
        """Give the seconds within which 99 of 100 changes were seen, the median over the runs."""
        return median(run.p99 for run in self.runs)

    @property
    def growth(self) -> float:
        """Say how many times as much memory the follower held at the end as at first, in the run where most."""
        return max(run.last_bytes / run.first_bytes for run in self.runs)

    @property
    def told(self) -> str:
        """Say it in a line."""
        seen = f"half are seen within {self.p50:.2f} s, 99 of 100 within {self.p99:.2f} s"
        memory = f"{self.growth:.2f} × the memory at the end"
        return f"{self.rows:,} rows · {self.rate:,} a second, flushed every {self.interval:g} s · {seen} · {memory}"

    def as_json(self) -> str:
        """Write it down: seconds, so that less is better; only the ratio to the interval is one of speed."""
        ratios = [self.interval / run.p50 for run in self.runs]
        said = {
            "name": self.name,
            "unit": "s",
            "rows": self.rows,
            "changes_a_second": self.rate,
            "ours": self.p50,
            "p99": self.p99,
            "peer": None,
            "peers": {},
            "limit": self.interval,
            "vs_peer": None,
            "vs_limit": asdict(Ratio(median(ratios), min(ratios), max(ratios))),
            "memory_growth": self.growth,
            "runs": [asdict(run) for run in self.runs],
            "pairs": len(self.runs),
            "versions": {"boathouse": self.version},
            "machine": machine(),
        }
        return json.dumps(said, indent=2)

    def table(self) -> Table:
        """Give it as a person reads it."""
        table = Table(box=None, pad_edge=False)
        names = "changes", "commits", "p50 s", "p99 s", "most s", "writer late s", "MiB at first", "MiB at last"
        for name in names:
            table.add_column(name, justify="right", no_wrap=True)
        for run in self.runs:
            seconds = (f"{value:.2f}" for value in (run.p50, run.p99, run.most, run.late))
            memory = (f"{value / 2**20:,.0f}" for value in (run.first_bytes, run.last_bytes))
            table.add_row(f"{run.rows:,}", f"{run.commits:,}", *seconds, *memory)
        return table
