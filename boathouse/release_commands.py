"""``boathouse release``: list, show and compare releases, approve one that is held back, go back to an older one."""

from typing import Annotated

import typer

from boathouse.start import start

release_app = typer.Typer(no_args_is_help=True, help="What readers see: releases listed, compared, approved, undone.")
Name = Annotated[str, typer.Argument(metavar="RELEASE", help="its name, or the start or end of it")]
Reason = Annotated[str, typer.Option(help="why, for whoever reads the list later")]


@release_app.command("list")
def list_() -> None:
    """List what happened to releases, oldest first, and what is new in each."""
    from boathouse.releases import show_list

    show_list(start())


@release_app.command()
def show(name: Name) -> None:
    """Show a release: its tables, and the loads and models that are new in it."""
    from boathouse.releases import show_one

    show_one(start(), name)


@release_app.command()
def diff(first: Name, second: Name) -> None:
    """Compare the gold of two releases: columns, rows, and keys of rows that differ."""
    from boathouse.releases import show_diff

    show_diff(start(), first, second)


@release_app.command()
def approve(
    reason: Reason,
    name: Annotated[str | None, typer.Argument(metavar="RELEASE", help="the one that waits when not given")] = None,
) -> None:
    """Let out the release that a gate holds back, or loads that broke their contract."""
    from boathouse.approvals import approve as go

    go(start(), name, reason)


@release_app.command()
def rollback(name: Name, reason: Reason = "") -> None:
    """Name an older release as the current one; new ones wait until somebody approves one."""
    from boathouse.approvals import roll_back

    roll_back(start(), name, reason)


def at(
    name: Name,
    question: Annotated[str, typer.Argument(help="One SELECT over gold.* tables.")],
    format: Annotated[str, typer.Option(help="table, json or csv")] = "table",
) -> None:
    """Ask a release of the past a question in SQL."""
    from boathouse.releases import ask_at

    ask_at(start(), name, question, format)


def bisect(question: Annotated[str, typer.Argument(help='such as "net_revenue 1997-03-01"')]) -> None:
    """Find which release, load or model changed a number."""
    from boathouse.releases import show_bisection

    show_bisection(start(), question)


def quality(
    table: Annotated[str | None, typer.Argument(help="such as gold.fact_orders: what each of its checks found")] = None,
    runs: Annotated[int, typer.Option(help="runs whose overall score is shown")] = 1,
) -> None:
    """Show the quality score of every table, and of all after the last runs; or what the checks of one found."""
    from boathouse.quality import show_checks, show_quality

    if table:
        show_checks(start(), table)
    else:
        show_quality(start(), runs)
