"""Growth: one benchmark at three sizes, ten times apart, and what a row costs ours at each."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from rich.table import Table

from bench.comparison import OURS, Comparison, machine
from bench.figures import Figures

TIMES = 10
"""How many times as much the next size is."""


@dataclass(frozen=True)
class Growth(Figures):
    """The comparisons at each size, the smallest first; ``more`` are those of other situations."""

    name: str
    comparisons: tuple[Comparison, ...]
    more: tuple["Growth", ...] = ()

    @property
    def rise(self) -> float:
        """Say how many times as much a row costs at a size than at the one before, where that rises the most."""
        costs = [_cost(one) for one in self.comparisons]
        return max(later / before for before, later in pairwise(costs))

    @property
    def peak_bytes(self) -> int:
        """Give the most memory that ours took at any size."""
        return max(one.peak_bytes(OURS) for one in self.comparisons)

    @property
    def told(self) -> str:
        """Say it in a line."""
        sizes = ", ".join(f"{one.rows:,}" for one in self.comparisons)
        return f"{sizes} rows · a row costs at most {self.rise:.2f} × as much · {self.peak_bytes / 2**20:,.0f} MiB"

    def as_json(self) -> str:
        """Write it down: microseconds a row, so that less is better, beside what the limit takes at the same size."""
        said = {
            "name": self.name,
            "unit": "µs/row",
            "rise": self.rise,
            "sizes": [_size(one) for one in self.comparisons],
            "machine": machine(),
        }
        return json.dumps(said, indent=2, ensure_ascii=False)

    def table(self) -> Table:
        """Give it as a person reads it."""
        table = Table(box=None, pad_edge=False)
        for name in ("rows", "seconds", "rows/s", "µs/row", "CPU µs/row", "peak MiB", "of the limit"):
            table.add_column(name, justify="right", no_wrap=True)
        for one in self.comparisons:
            seconds, limit = one.seconds(OURS), one.best("limit")
            table.add_row(
                f"{one.rows:,}",
                f"{seconds:.2f}",
                f"{one.rows / seconds:,.0f}",
                f"{_cost(one):.2f}",
                f"{one.cpu_seconds(OURS) / one.rows * 1e6:.2f}",
                f"{one.peak_bytes(OURS) / 2**20:,.0f}",
                f"{one.ratio(limit).median:.2f} × {limit}" if limit else "",
            )
        return table

    @property
    def file_name(self) -> str:
        """Name the file that keeps it, beside the one of the benchmark's own size."""
        return f"{self.name}_sizes.json"


def grow(name: str, sizes: tuple[int, ...], run: Callable[[int], Comparison]) -> Growth:
    """Run a benchmark at each size, the smallest first. Raises BoathouseError."""
    found = tuple(run(size) for size in sizes)
    others = zip(*(one.more for one in found), strict=True)
    return Growth(name, found, tuple(Growth(other[0].name, other) for other in others))


def around(middle: int) -> tuple[int, int, int]:
    """Give three sizes ten times apart with this one in the middle."""
    return max(1, middle // TIMES), middle, middle * TIMES


def _cost(one: Comparison) -> float:
    return one.seconds(OURS) / one.rows * 1e6


def _size(one: Comparison) -> dict[str, object]:
    limit = one.best("limit")
    return {
        "rows": one.rows,
        "pairs": one.pairs,
        "ours": _cost(one),
        "limit": one.seconds(limit) / one.rows * 1e6 if limit else None,
        "vs_limit": one.ratio(limit).median if limit else None,
        "cpu": one.cpu_seconds(OURS) / one.rows * 1e6,
        "peak_bytes": one.peak_bytes(OURS),
    }
