"""``boathouse sandbox``: write the sandbox shop's documents, serve it, or let the one that runs sell."""

import socket
import time
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from lake.errors import ServiceError, SettingError
from lake.settings import Settings, load_settings

sandbox_app = typer.Typer(
    invoke_without_command=True,
    help="The simulated shop: write its documents to files, serve it, or let it sell.",
)
_EXPORT = 10_000


@sandbox_app.callback()
def export(
    context: typer.Context,
    orders: Annotated[int, typer.Option(help="how many synthetic orders to write")] = _EXPORT,
    out: Annotated[Path | None, typer.Option(help="folder; .boathouse/sandbox/export when not given")] = None,
) -> None:
    """Write a synthetic shop's documents as JSON lines, one file a table."""
    if context.invoked_subcommand is not None:
        return
    from infra.sandbox.export import export as write
    from infra.sandbox.shop import Shop
    from pipelines.shopify.resources import RESOURCES

    settings = load_settings()
    if orders < 1:
        raise SettingError("--orders must be 1 at least.")
    began, folder = time.monotonic(), out or settings.state_dir / "sandbox" / "export"
    queries = {resource.table: resource.bulk_query for resource in RESOURCES}
    lines = write(Shop(settings.sandbox_seed, orders), folder, queries)
    _end(f"wrote {sum(lines.values()):,} documents of {orders:,} orders to {folder}", began)


@sandbox_app.command()
def serve(
    orders: Annotated[int | None, typer.Option(help="synthetic orders; 0 is the CDNOW history")] = None,
    port: Annotated[int | None, typer.Option(help="port of loopback; 0 is any free one")] = None,
) -> None:
    """Serve the sandbox shop in the foreground until Ctrl-C."""
    from infra.sandbox.server import serve as go

    settings = load_settings()
    count = settings.sandbox_orders if orders is None else orders
    folder = settings.state_dir.absolute() / "sandbox" / "served"
    folder.mkdir(parents=True, exist_ok=True)
    go(
        settings.sandbox_port if port is None else port,
        seed=settings.sandbox_seed,
        orders=count,
        busy=settings.sandbox_busy,
        state_dir=folder,
        chaos=settings.sandbox_chaos,
    )


@sandbox_app.command()
def chaos(
    script: Annotated[Path | None, typer.Argument(help="file with a chaos script; what struck when not given")] = None,
    end: Annotated[bool, typer.Option("--end", help="end the chaos")] = False,
) -> None:
    """Make the sandbox shop that runs misbehave, see how often it did, or end it (docs/sandbox.md)."""
    from boathouse.console import console
    from infra.sandbox.chaos.client import begin, finish, look

    url = running_sandbox(load_settings())
    told = begin(url, script) if script else finish(url) if end else look(url)
    for fault in told:
        console.print(f"{fault.name}: struck {fault.struck} of {fault.met} requests it met", soft_wrap=True)
    console.print("sandbox: no chaos" if end or not told else f"sandbox: {len(told)} faults on", soft_wrap=True)


@sandbox_app.command()
def sell(
    rate: Annotated[str, typer.Option(help="orders a second, such as 20/s or 90/min")] = "20/s",
    duration: Annotated[str, typer.Option("--for", help="how long, such as 60s or 5m")] = "60s",
    webhooks: Annotated[
        str | None, typer.Option(help="server that takes the webhooks; the API of `just up` when not given")
    ] = None,
) -> None:
    """Let the sandbox shop that runs sell: orders, cancellations and refunds in all three sources, and webhooks."""
    from boathouse.console import console
    from boathouse.workplace import sandbox_database
    from infra.sandbox.selling import client

    settings, began = load_settings(), time.monotonic()
    a_second, seconds = client.parse_rate(rate), client.parse_duration(duration)
    url, to = running_sandbox(settings), _receiver(settings, webhooks)
    dsn = sandbox_database(settings)
    with console.status("selling …") as status:
        sold = client.sell(url, a_second, seconds, to, lambda text: status.update(f"selling: {text}"), postgres_dsn=dsn)
    if to is None:
        console.print("No server takes webhooks here, so none were sent; the next pull brings the orders.")
    _end(f"sold {sold.orders} orders · {sold.remark}", began)


def running_sandbox(settings: Settings) -> str:
    """Find the address of the sandbox shop that runs for these settings.

    Raises ServiceError when none does.
    """
    from infra import local

    found = next((one for one in local.status(settings) if one.name == "sandbox" and one.running), None)
    if found is None or not settings.uses_sandbox:
        raise ServiceError("No sandbox shop runs here; start it with `just up` while no source of your own is set.")
    return f"http://127.0.0.1:{found.ports['http']}"


def _receiver(settings: Settings, given: str | None) -> str | None:
    """Say where webhooks go: as given, else to the API's own address if something listens there."""
    if given is not None:
        if urlsplit(given).scheme not in ("http", "https"):
            raise SettingError(f"--webhooks '{given}' is no address; write one such as http://127.0.0.1:8000.")
        return given
    place = (settings.server_host, settings.server_port)
    try:
        socket.create_connection(place, timeout=1).close()
    except OSError:
        return None
    return f"http://{place[0]}:{place[1]}"


def _end(text: str, began: float) -> None:
    from boathouse.console import console

    console.print(f"sandbox: {text} · {time.monotonic() - began:.1f} s", soft_wrap=True)
