"""The proof ledger as a person reads it."""

from rich.table import Table

from boathouse.console import console
from boathouse.workplace import open_lake
from lake.catalogue import open_catalogue
from lake.errors import ProofError
from lake.proofs import ledger, open_disagreements
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
