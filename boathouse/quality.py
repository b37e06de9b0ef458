"""The quality score as a person reads it: every table after the last run, and how all of them came along."""

from rich.table import Table

from boathouse.console import console
from boathouse.gates import percent
from boathouse.workplace import open_lake
from lake.catalogue import open_catalogue
from lake.quality import checks_of, quality
from lake.settings import Settings


def show_checks(settings: Settings, name: str) -> None:
    """Print what each check of a table last found, with a sample of its offenders. Raises UnknownNameError."""
    with open_lake(settings) as live:
        rows = checks_of(open_catalogue(live), name)
    for row in rows:
        verdict = "no rows" if row["vacuous"] else "passed" if row["passed"] else "failed"
        found = f"{row['offenders']:,} of {row['rows']:,} rows" if row["offenders"] else f"{row['rows']:,} rows"
        told = f"{verdict:<8} {row['severity']:<6} {row['kind']:<9} {found:>20}  {row['audit']}"
        console.print(told, soft_wrap=True, markup=False)
        if row["sample"]:
            console.print(f"         such as {row['sample']}", soft_wrap=True, markup=False)
    failed = sum(not row["passed"] for row in rows)
    console.print(f"{name}: {len(rows)} checks, {failed} failed", style="bold", soft_wrap=True)


def show_quality(settings: Settings, runs: int) -> None:
    """Print the quality of every table after the last run, and of all after each of the last ones."""
    with open_lake(settings) as live:
        found = quality(open_catalogue(live), max(1, runs))
    if not found:
        console.print("quality: unknown · no run has checked anything yet; `just run` does", style="bold")
        return
    last = found[-1]
    table = Table(box=None, pad_edge=False)
    table.add_column("table", no_wrap=True, min_width=36)
    for name in ("checks", "failed", "no rows", "row-checks", "offenders", "quality"):
        table.add_column(name, justify="right", no_wrap=True)
    for score in last.tables:
        counts = [score.checks, score.failed, score.vacuous, score.row_checks, score.offenders]
        table.add_row(score.table, *(f"{count:,}" for count in counts), percent(score.share))
    console.print(table)
    for one in found if runs > 1 else ():
        console.print(f"{one.run_id}  {one.at:%Y-%m-%d %H:%M:%S} UTC  {percent(one.overall.share)}")
    score = last.overall
    console.print(
        f"quality: {percent(score.share)} · {score.checks:,} checks, {score.failed:,} failed, "
        f"{score.vacuous:,} saw no rows",
        style="bold",
        soft_wrap=True,
    )
