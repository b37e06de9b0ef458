"""``python -m bench [NAME]`` runs one benchmark or all of them; ``just bench`` is the same."""

import sys
from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer

from bench.api_load.benchmark import bench_api_load
from bench.cdc_drain.benchmark import bench_cdc_drain, bench_cdc_stream
from bench.cdc_fresh.benchmark import bench_cdc_fresh
from bench.comparison import AMONG, PAIRS, WARM_UP
from bench.figures import Figures
from bench.growth import around, grow
from bench.snapshot.benchmark import bench_snapshot
from bench.transform.benchmark import bench_transform
from boathouse.console import console
from lake.errors import BoathouseError, UnknownNameError
from lake.settings import Settings, load_settings, silence_telemetry

Say = Callable[[str], None]

COMPARED = {
    "api_load": bench_api_load,
    "cdc_drain": bench_cdc_drain,
    "cdc_stream": bench_cdc_stream,
    "snapshot": bench_snapshot,
    "transform": bench_transform,
}
BENCHMARKS: dict[str, Callable[[Settings, int, int, bool, Say], Figures]] = {
    **COMPARED,
    "cdc_fresh": bench_cdc_fresh,
}
SIZES = {"api_load": around(100_000), "snapshot": around(2_000_000), "transform": around(2_000_000)}
"""Where growth is measured too: three sizes, ten times apart."""


def main(
    name: Annotated[str, typer.Argument(help=f"one of {', '.join(BENCHMARKS)}; all when not given")] = "",
    rows: Annotated[int, typer.Option(help="how much work; the benchmark's own size when 0")] = 0,
    pairs: Annotated[int, typer.Option(help="how often each contestant runs, after a warm-up")] = PAIRS,
    warm_up: Annotated[bool, typer.Option(help="run everyone once before it counts")] = True,
    peers: Annotated[bool, typer.Option(help="run the peers too")] = True,
    among: Annotated[
        list[str] | None, typer.Option(help="a peer that runs, several times for several; all if not")
    ] = None,
    sizes: Annotated[bool, typer.Option("--sizes", help="ours at three sizes, ten times apart, without peers")] = False,
) -> None:
    """Run benchmarks beside their peers, print a table of each, and keep it as JSON."""
    AMONG.set(tuple(among or ()))
    WARM_UP.set(warm_up)
    settings = load_settings()
    silence_telemetry(settings)
    known = SIZES if sizes else BENCHMARKS
    if name and name not in known:
        raise UnknownNameError("benchmark at three sizes" if sizes else "benchmark", name, known)
    for wanted in [name] if name else known:
        with console.status(f"{wanted} …") as status:
            if sizes:
                run = partial(COMPARED[wanted], settings, pairs=pairs, peers=False, say=status.update)
                found: Figures = grow(wanted, around(rows) if rows else SIZES[wanted], run)
            else:
                found = BENCHMARKS[wanted](settings, rows, pairs, peers, status.update)
        for one in [found, *found.more]:
            file = one.write(settings.state_dir / "bench")
            console.print(one.table())
            console.print(f"{one.name}: {one.told} · {file}", style="bold", soft_wrap=True)


if __name__ == "__main__":
    try:
        typer.run(main)
    except BoathouseError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(1)
