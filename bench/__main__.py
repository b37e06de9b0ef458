"""``python -m bench [NAME]`` runs one benchmark or all of them; ``just bench`` is the same."""

import sys
from typing import Annotated

import typer

from bench.api_load.benchmark import bench_api_load
from bench.comparison import PAIRS
from boathouse.console import console
from lake.errors import BoathouseError, UnknownNameError
from lake.settings import load_settings, silence_telemetry

BENCHMARKS = {"api_load": bench_api_load}


def main(
    name: Annotated[str, typer.Argument(help=f"one of {', '.join(BENCHMARKS)}; all when not given")] = "",
    rows: Annotated[int, typer.Option(help="how much work; the benchmark's own size when 0")] = 0,
    pairs: Annotated[int, typer.Option(help="how often each contestant runs, after a warm-up")] = PAIRS,
    peers: Annotated[bool, typer.Option(help="run the peers too")] = True,
) -> None:
    """Run benchmarks beside their peers, print a table of each, and keep it as JSON."""
    settings = load_settings()
    silence_telemetry(settings)
    if name and name not in BENCHMARKS:
        raise UnknownNameError("benchmark", name, BENCHMARKS)
    for wanted in [name] if name else BENCHMARKS:
        with console.status(f"{wanted} …") as status:
            found = BENCHMARKS[wanted](settings, rows, pairs, peers, status.update)
        file = found.write(settings.state_dir / "bench")
        console.print(found.table())
        peer, limit = found.best("peer"), found.best("limit")
        told = [f"{found.ratio(peer).median:.1f} × {peer}"] if peer else []
        told += [f"{found.ratio(limit).median:.2f} × the limit ({limit})"] if limit else []
        console.print(f"{wanted}: {found.rows:,} rows · {' · '.join(told)} · {file}", style="bold", soft_wrap=True)


if __name__ == "__main__":
    try:
        typer.run(main)
    except BoathouseError as error:
        print(f"bench: {error}", file=sys.stderr)
        sys.exit(1)
