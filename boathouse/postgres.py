"""What the command line does with a followed database apart from pulling it: check, status, resync, drop, model."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from boathouse.console import Copied, console
from boathouse.start import start
from lake.errors import SettingError, SourceError
from lake.settings import Settings, load_settings

if TYPE_CHECKING:
    from pipelines.postgres.status import SlotStatus, TableStatus

postgres_app = typer.Typer(no_args_is_help=True, help="Look after the Postgres database that is followed.")
Tables = Annotated[list[str] | None, typer.Argument(metavar="TABLE", help="such as public.orders")]


@postgres_app.callback()
def postgres() -> None:
    """Look after the Postgres database that is followed."""


@contextmanager
def _live() -> Iterator[Settings]:
    from boathouse.workplace import open_workplace

    with open_workplace(start(), lambda _: None) as live:
        if live.postgres_dsn is None:
            raise SettingError("BOATHOUSE_POSTGRES_DSN is not set; it takes postgresql://user:password@host/database.")
        yield live


@postgres_app.command()
def check() -> None:
    """Report everything that following needs and lacks, with the SQL to copy; exit with 1 if anything must be done."""
    from pipelines.postgres.preflight import inspect

    with _live() as live, console.status("asking the database …"):
        tables, found = inspect(live)
    for one in found:
        console.print(f"{'[red]missing[/]' if one.must else '[yellow]note[/]'} {escape(one.said)}", soft_wrap=True)
        if one.sql:
            console.print(f"  {escape(one.sql)}", soft_wrap=True)
    missing = sum(one.must for one in found)
    if missing:
        raise SourceError(f"{missing} {'thing is' if missing == 1 else 'things are'} missing; mend it and check again.")
    console.print(f"check: ok · {len(tables)} tables can be followed", style="bold", soft_wrap=True)


@postgres_app.command()
def status(
    format: Annotated[str, typer.Option(help="table or json")] = "table",
    most_held: Annotated[
        int | None, typer.Option(help="exit with 1 when more MiB of log are held for the slot")
    ] = None,
) -> None:
    """Show how far each table is behind, and what the slot makes the server keep."""
    from lake.catalogue import open_catalogue
    from pipelines.postgres.status import check_held, describe, read_status

    with _live() as live:
        slot, tables = read_status(live, open_catalogue(live))
    if format == "json":
        print(json.dumps(describe(slot, tables)))
    else:
        _show(slot, tables)
    if most_held is not None:
        check_held(slot, most_held)


def _show(slot: "SlotStatus", tables: "list[TableStatus]") -> None:
    shown = Table("table", "behind", "at most", "last change", "", box=None, pad_edge=False)
    for one in tables:
        behind = "not loaded" if one.lag_bytes is None else _bytes(one.lag_bytes)
        seconds = "" if one.lag_seconds is None else f"{one.lag_seconds:,.0f} s"
        at = "" if one.last_commit is None else f"{one.last_commit:%Y-%m-%d %H:%M:%S}"
        shown.add_row(one.table, behind, seconds, at, f"[red]stopped[/] {escape(one.stopped)}" if one.stopped else "")
    console.print(shown)
    limit = "no limit" if slot.safe_bytes is None else f"{_bytes(slot.safe_bytes)} before it is lost"
    reader = "nobody reads it" if slot.reader is None else f"server process {slot.reader} reads it"
    console.print(
        f"slot {slot.slot}: {slot.wal_status} · {_bytes(slot.held_bytes)} of log held, {limit} · {reader}"
        f"{' · follows a failover' if slot.failover else ''}",
        style="bold",
        soft_wrap=True,
    )


@postgres_app.command()
def resync(
    tables: Tables = None,
    all_tables: Annotated[bool, typer.Option("--all", help="every table that is followed")] = False,
) -> None:
    """Copy tables anew, whatever was read of them before; their history in bronze stays."""
    from boathouse.ingest import pull_source
    from boathouse.refresh import prove_loads
    from lake.catalogue import open_catalogue
    from lake.locks import writing
    from pipelines.postgres.resync import forget

    if bool(tables) == all_tables:
        raise SettingError("Name the tables to copy anew, such as public.orders, or say --all.")
    with _live() as live, writing(live, "boathouse postgres resync"):
        catalogue = open_catalogue(live)
        names = forget(live, catalogue, tables or [])
        with console.status(f"copying {', '.join(names)} …") as status:
            loaded = pull_source(live, catalogue, "postgres", Copied(lambda text: status.update(f"copying {text}")))
        prove_loads(live, catalogue)
    console.print(
        f"resync: ok · {len(names)} table{'s' if len(names) > 1 else ''} copied anew, {loaded.total:,} rows; "
        "`just run` brings them to gold",
        style="bold",
        soft_wrap=True,
    )


@postgres_app.command()
def drop(yes: Annotated[bool, typer.Option("--yes", help="do it; without it, only say what it means")] = False) -> None:
    """Drop the slot and the publication, so that the server keeps no log for this lake any more."""
    from pipelines.postgres.resync import drop as go

    settings = load_settings()
    slot, publication = settings.postgres_slot, settings.postgres_publication
    console.print(
        f"This drops the replication slot '{slot}' and the publication '{publication}'. "
        "Bronze stays as it is; what changes in the database from then on is lost to it until every table is copied "
        "anew (`boathouse postgres resync --all`).",
        soft_wrap=True,
    )
    if not yes:
        console.print("drop: nothing done; say --yes to do it", style="bold")
        return
    with _live() as live:
        gone = go(live)
    console.print(f"drop: ok · {' and '.join(gone) or 'there was nothing to drop'}", style="bold", soft_wrap=True)


@postgres_app.command()
def model(table: Annotated[str, typer.Argument(metavar="TABLE", help="such as public.orders, or a pattern")]) -> None:
    """Write the silver models of a table in bronze: its rows now, their history, and unit tests of both."""
    from boathouse.silver import columns_of, write_models
    from lake.catalogue import find_table, open_catalogue
    from lake.warehouse import PROJECT
    from pipelines.postgres.api import connect
    from pipelines.postgres.tables import find_tables

    with _live() as live:
        files = []
        with connect(live) as connection:
            sources = find_tables(connection, [table])
        for source in sources:
            found = find_table(open_catalogue(live), f"bronze.{source.bronze}")
            if found is None:
                raise SourceError(f"{source} isn't in bronze yet; run `boathouse ingest postgres {source}` first.")
            files += write_models(PROJECT, source.bronze.removeprefix("pg_"), columns_of(found), source.key)
    for file in dict.fromkeys(files):
        console.print(f"wrote {file}", soft_wrap=True)
    console.print(f"model: ok · {len(files)} files written; `just run` builds them", style="bold", soft_wrap=True)


def _bytes(count: int) -> str:
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count} bytes"
