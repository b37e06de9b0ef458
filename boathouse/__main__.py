"""The command line: ``boathouse <command>``, one sentence and a non-zero exit when something can't be done."""

import errno
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Annotated

import typer

from boathouse.postgres import postgres_app
from boathouse.release_commands import at, bisect, quality, release_app
from boathouse.sandbox_commands import sandbox_app
from boathouse.shopify import shopify_app
from boathouse.start import start
from lake.errors import BoathouseError

INTERRUPTED = 130
"""What Typer ends with at a KeyboardInterrupt, without a word."""
app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A lakehouse for one node: Shopify, Stripe and Postgres into Iceberg, out as metrics and reports.",
)
app.add_typer(sandbox_app, name="sandbox")
app.add_typer(shopify_app, name="shopify")
app.add_typer(postgres_app, name="postgres")
app.add_typer(release_app, name="release")
for command in (at, bisect, quality):
    app.command()(command)


@app.command()
def run(
    full: Annotated[bool, typer.Option("--full", help="build every model anew, not only what is new")] = False,
) -> None:
    """Pull every source, build and audit the model, cut a release, and show its numbers."""
    from boathouse.run import run as go

    go(start(), anew=full)


@app.command()
def up() -> None:
    """Keep everything running in the foreground, pulling at an interval; Ctrl-C stops all of it."""
    from boathouse.up import up as go

    go(start())


@app.command()
def ingest(
    source: Annotated[str, typer.Argument(help="shopify, stripe, postgres, debezium or all")] = "all",
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="tables of postgres, objects of shopify; all by default")
    ] = None,
) -> None:
    """Pull sources into bronze, once, and prove what landed; nothing is built."""
    from boathouse.pulling import pull_sources

    pull_sources(start(), source, names or [])


@app.command()
def live(
    rate: Annotated[str, typer.Option(help="orders a second, such as 20/s")] = "20/s",
    duration: Annotated[str, typer.Option("--for", help="how long to sell, such as 60s")] = "60s",
) -> None:
    """Sell in the sandbox shop, watch the live numbers move, and hold them against the batch."""
    from boathouse.live import demonstrate
    from infra.sandbox.selling.client import parse_duration, parse_rate

    demonstrate(start(), parse_rate(rate), parse_duration(duration))


@app.command()
def prove(
    name: Annotated[str | None, typer.Argument(metavar="OBJECT", help="such as orders or stripe_customers")] = None,
    since: Annotated[str, typer.Option(help="30d, 12h, 2026-01-31 or all")] = "30d",
) -> None:
    """Print the ledger of what the sources said beside what landed; or ask the source of one object again, now."""
    from boathouse.ledger import show_ledger
    from boathouse.repair import prove_object

    if name is None:
        show_ledger(start())
    else:
        prove_object(start(), name, since)


@app.command()
def repair(
    names: Annotated[list[str] | None, typer.Argument(metavar="OBJECT", help="all when none is named")] = None,
    since: Annotated[str, typer.Option(help="30d, 12h, 2026-01-31 or all")] = "30d",
) -> None:
    """Ask the sources again what they hold, and fetch what is missing."""
    from boathouse.repair import repair_objects

    repair_objects(start(), names or [], since)


@app.command()
def drift() -> None:
    """Show how the vendors' documents have changed: new and missing fields, types, values, NULLs."""
    from boathouse.ledger import show_drift

    show_drift(start())


@app.command()
def query(
    question: Annotated[str, typer.Argument(help="One SELECT over gold.* tables.")],
    format: Annotated[str, typer.Option(help="table, json or csv")] = "table",
) -> None:
    """Ask the current release a question in SQL."""
    from boathouse.ask import ask

    ask(start(), question, format)


Environment = Annotated[str, typer.Argument(help="name of the virtual environment")]
Gateway = Annotated[str, typer.Option(help="duckdb or snowflake")]


@app.command()
def plan(environment: Environment = "dev", gateway: Gateway = "duckdb") -> None:
    """Show what applying the models' files to an environment would do."""
    from boathouse.environments import plan as go

    go(start(), environment, gateway)


@app.command()
def apply(environment: Environment = "dev", gateway: Gateway = "duckdb") -> None:
    """Build what an environment lacks, audit it, and point its views there."""
    from boathouse.environments import apply as go

    go(start(), environment, gateway)


@app.command()
def diff(environment: Environment = "dev", gateway: Gateway = "duckdb") -> None:
    """Compare an environment's tables with production's: columns and rows."""
    from boathouse.environments import diff as go

    go(start(), environment, gateway)


@app.command()
def promote(environment: Environment = "dev", gateway: Gateway = "duckdb") -> None:
    """Point production's views at an environment's tables; nothing is built."""
    from boathouse.environments import promote as go

    go(start(), environment, gateway)


@app.command()
def review(
    environment: Environment = "dev",
    gateway: Gateway = "duckdb",
    format: Annotated[str, typer.Option(help="text or markdown")] = "text",
) -> None:
    """Plan and build an environment, and show how it differs from production: what a pull request is told."""
    from boathouse.environments import review as go

    go(start(), environment, gateway, format)


@app.command()
def snowflake() -> None:
    """Build every model on a stand-in for Snowflake, and compare each column with DuckDB's."""
    from boathouse.snowflake import demonstrate

    demonstrate(start())


@app.command()
def status() -> None:
    """Show which embedded services run, and where."""
    from boathouse.state import show_status

    show_status(start())


@app.command()
def stop() -> None:
    """Stop every embedded service of this checkout, whoever started it."""
    from boathouse.state import stop_services

    stop_services(start())


@app.command()
def clean() -> None:
    """Stop every embedded service and remove all local state."""
    from boathouse.state import remove_state

    remove_state(start())


def unexpected(error: Exception) -> str:
    """Keep what nobody foresaw in a file, and say so in one sentence."""
    said = " ".join(str(error).split())[:200]
    if "no space left on device" in said.lower() or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        return "There is no room left on the disk; free some, or set BOATHOUSE_STATE_DIR elsewhere, and run again."
    file = Path(tempfile.mkstemp(prefix="boathouse-", suffix=".txt")[1])
    file.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    return f"Something unforeseen went wrong ({type(error).__name__}: {said}); the details are in {file}."


def main() -> None:
    """Run the command line. Ends the process with 0, 1 (it couldn't be done), 2 (misused) or 130 (Ctrl-C)."""
    try:
        app(standalone_mode=True)
    except BoathouseError as error:
        sys.stdout.flush()
        print(f"boathouse: {error}", file=sys.stderr)
        sys.exit(1)
    except Exception as error:
        print(f"boathouse: {unexpected(error)}", file=sys.stderr)
        sys.exit(1)
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            print("boathouse: stopped by Ctrl-C; run again to go on where it stopped.", file=sys.stderr)
        raise


if __name__ == "__main__":
    main()
