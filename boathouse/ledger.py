"""The ledgers as a person reads them: proofs and releases."""

from rich.table import Table

from boathouse.console import console
from boathouse.workplace import open_lake
from lake.catalogue import open_catalogue
from lake.errors import ProofError
from lake.pins import Pin
from lake.proofs import ledger, open_disagreements
from lake.releases import list_releases
from lake.settings import Settings


def show_ledger(settings: Settings) -> None:
    """Print every proof. Raises ProofError when a load disagrees that no later load made good."""
    with open_lake(settings) as live:
        catalogue = open_catalogue(live)
        rows = ledger(catalogue)
        wrong = open_disagreements(catalogue)
    table = Table(box=None, pad_edge=False)
    for name in ("load", "table", "the source said"):
        table.add_column(name, overflow="fold")
    for name in ("rows", "landed", "quarantined"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("hash", no_wrap=True)
    table.add_column("")
    for row in rows:
        table.add_row(
            str(row["load_id"]),
            str(row["table"]),
            str(row["said_by"]),
            f"{row['source_count']:,}",
            f"{row['landed_count']:,}",
            f"{row['quarantined']:,}",
            str(row["landed_hash"]),
            "[green]agrees[/]" if row["agrees"] else "[red]disagrees[/]",
        )
    console.print(table)
    landed = sum(int(str(row["landed_count"])) for row in rows)
    if wrong:
        names = ", ".join(f"{row['table']} ({row['load_id']})" for row in wrong)
        raise ProofError(f"{len(wrong)} of {len(rows)} loads disagree: {names}; `just run` asks the source again.")
    console.print(f"prove: ok · {len(rows)} loads · {landed:,} rows as their sources said", style="bold")


def show_releases(settings: Settings) -> None:
    """Print every release with the gold tables that changed in it."""
    with open_lake(settings) as live:
        found = list_releases(open_catalogue(live))
    table = Table("release", "cut at", "content", "changed gold tables", box=None, pad_edge=False)
    before: dict[str, Pin] = {}
    for release in found:
        changed = [name for name, pin in release.gold.items() if before.get(name) != pin]
        table.add_row(
            release.release_id, f"{release.cut_at:%Y-%m-%d %H:%M:%S} UTC", release.content, ", ".join(changed)
        )
        before = release.gold
    console.print(table)
    current = found[-1].release_id if found else "none yet; `just run` cuts the first one"
    console.print(f"releases: {len(found)} · current {current}", style="bold")
