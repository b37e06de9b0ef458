"""The ledgers as a person reads them: proofs and drift."""

from itertools import groupby
from typing import Any

from rich.markup import escape
from rich.table import Table

from boathouse.console import console
from boathouse.workplace import open_lake
from lake.catalogue import open_catalogue
from lake.drift import known_drift
from lake.errors import ProofError
from lake.proofs import ledger, open_disagreements
from lake.settings import Settings


def show_ledger(settings: Settings) -> None:
    """Print every proof. Raises ProofError when a load disagrees that no later load made good."""
    with open_lake(settings) as live:
        catalogue = open_catalogue(live)
        rows = ledger(catalogue)
        wrong = open_disagreements(catalogue)
    for load_id, proofs in groupby(sorted(rows, key=_began), key=lambda row: row["load_id"]):
        console.print(f"\n[bold]{load_id}[/]")
        console.print(_proofs(list(proofs)))
    console.print()
    landed = sum(int(str(row["landed_count"])) for row in rows)
    if wrong:
        names = ", ".join(f"{row['table']} ({row['load_id']})" for row in wrong)
        raise ProofError(f"{len(wrong)} of {len(rows)} loads disagree: {names}; `just run` asks the source again.")
    console.print(f"prove: ok · {len(rows)} loads · {landed:,} rows as their sources said", style="bold")


def _began(row: dict[str, object]) -> str:
    """Give the time in a load's id, by which the ledger is sorted."""
    return str(row["load_id"]).rpartition("-")[2] + str(row["load_id"])


def _proofs(rows: list[dict[str, object]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("table", no_wrap=True, min_width=34)
    for name in ("said", "landed", "unreadable"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    table.add_column("by", style="dim", overflow="fold")
    for row in rows:
        verdict = "[green]agrees[/]" if row["agrees"] else "[red]differs[/]"
        counts = [f"{row[name]:,}" for name in ("source_count", "landed_count", "quarantined")]
        table.add_row(str(row["table"]), *counts, verdict, str(row["said_by"]))
    return table


def show_drift(settings: Settings) -> None:
    """Print each drift once, with when it was first and last seen, and in how many documents."""
    with open_lake(settings) as live:
        rows = known_drift(open_catalogue(live))
    table = Table(box=None, pad_edge=False)
    for name in ("first seen", "last seen", "table", "where", "what"):
        table.add_column(name, overflow="fold")
    table.add_column("documents", justify="right")
    table.add_column("such as", overflow="fold")
    grouped: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault((row["table"], row["lane"], row["path"], row["kind"]), []).append(row)
    for (name, lane, path, _), seen in grouped.items():
        last = seen[-1]
        days = (f"{last['first_seen']:%Y-%m-%d}", f"{last['seen']:%Y-%m-%d}")
        count = f"{sum(row['count'] for row in seen):,}"
        table.add_row(*days, f"{name} ({lane})", escape(path), escape(last["detail"]), count, escape(last["example"]))
    if grouped:
        console.print(table)
    console.print(f"drift: {len(grouped)} kinds in {len(rows)} sightings", style="bold")
