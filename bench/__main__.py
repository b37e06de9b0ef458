"""``python -m bench [NAME]`` runs one benchmark or all of them; ``just bench`` is the same."""

import sys
from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer

from bench.api_load.benchmark import bench_api_load
from bench.cdc_drain.benchmark import bench_cdc_drain, bench_cdc_stream
from bench.comparison import AMONG, PAIRS, Comparison
from bench.growth import Growth, around, grow
from bench.snapshot.benchmark import bench_snapshot
from bench.transform.benchmark import bench_transform
from boathouse.console import console
from lake.errors import BoathouseError, UnknownNameError
from lake.settings import Settings, load_settings, silence_telemetry

Say = Callable[[str], None]

BENCHMARKS = {
    "api_load": bench_api_load,
    "cdc_drain": bench_cdc_drain,
    "cdc_stream": bench_cdc_stream,
    "snapshot": bench_snapshot,
    "transform": bench_transform,
}
SIZES = {"api_load": around(100_000), "snapshot": around(2_000_000), "transform": around(2_000_000)}
"""Where growth is measured too: three sizes, ten times apart."""


def main(
    name: Annotated[str, typer.Argument(help=f"one of {', '.join(BENCHMARKS)}; all when not given")] = "",
    rows: Annotated[int, typer.Option(help="how much work; the benchmark's own size when 0")] = 0,
    pairs: Annotated[int, typer.Option(help="how often each contestant runs, after a warm-up")] = PAIRS,
    peers: Annotated[bool, typer.Option(help="run the peers too")] = True,
    among: Annotated[
        list[str] | None, typer.Option(help="a peer that runs, several times for several; all if not")
    ] = None,
    sizes: Annotated[bool, typer.Option("--sizes", help="ours at three sizes, ten times apart, without peers")] = False,
) -> None:
    """Run benchmarks beside their peers, print a table of each, and keep it as JSON."""
    AMONG.set(tuple(among or ()))
    settings = load_settings()
    silence_telemetry(settings)
    known = SIZES if sizes else BENCHMARKS
    if name and name not in known:
        raise UnknownNameError("benchmark at three sizes" if sizes else "benchmark", name, known)
    for wanted in [name] if name else known:
        with console.status(f"{wanted} …") as status:
            run = partial(_run, settings, wanted, pairs, peers=peers and not sizes, say=status.update)
            found = grow(wanted, around(rows) if rows else SIZES[wanted], run) if sizes else run(rows)
        for one in [found, *found.more] if isinstance(found, Comparison) else [found]:
            file = one.write(settings.state_dir / "bench")
            console.print(one.table())
            told = _grown(one) if isinstance(one, Growth) else _compared(one)
            console.print(f"{one.name}: {told} · {file}", style="bold", soft_wrap=True)


def _run(settings: Settings, name: str, pairs: int, rows: int, *, peers: bool, say: Say) -> Comparison:
    return BENCHMARKS[name](settings, rows, pairs, peers, say)


def _compared(found: Comparison) -> str:
    peer, limit = found.best("peer"), found.best("limit")
    told = [f"{found.rows:,} rows"]
    told += [f"{found.ratio(peer).median:.1f} × {peer}"] if peer else []
    told += [f"{found.ratio(limit).median:.2f} × the limit ({limit})"] if limit else []
    return " · ".join(told)


def _grown(found: Growth) -> str:
    sizes = ", ".join(f"{one.rows:,}" for one in found.comparisons)
    return f"{sizes} rows · a row costs at most {found.rise:.2f} × as much · {found.peak_bytes / 2**20:,.0f} MiB"


if __name__ == "__main__":
    try:
        typer.run(main)
    except BoathouseError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(1)
