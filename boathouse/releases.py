"""Releases as a person reads them: listed, shown, compared, asked, and searched for what changed a number."""

import sys

from pyiceberg.catalog import Catalog

from boathouse.console import console
from boathouse.workplace import open_lake
from lake.bisection import Step, bisect, read_question
from lake.catalogue import open_catalogue
from lake.errors import ReleaseError
from lake.formats import render
from lake.metrics import load_metrics
from lake.questions import query_release
from lake.release_diffs import diff_releases, loads_between, models_between
from lake.releases import Release, find_release, history, standing
from lake.settings import Settings


def show_list(settings: Settings) -> None:
    """Print everything that happened to releases, oldest first, and what is new in each."""
    with open_lake(settings) as live:
        catalogue = open_catalogue(live)
        entries = history(catalogue)
        current, held = standing(catalogue)
    before: Release | None = None
    for entry in entries:
        gold = before.gold if before else {}
        changed = [name for name, pin in entry.release.gold.items() if gold.get(name) != pin]
        told = f"new: {', '.join(changed) or 'nothing'}" if entry.event in ("cut", "held") else entry.reason
        why = f" · {entry.reason}" if entry.event == "held" else ""
        console.print(
            f"{entry.release.release_id}  {entry.at:%Y-%m-%d %H:%M:%S} UTC  {entry.event:<11} {told}{why}",
            soft_wrap=True,
            markup=False,
        )
        before = before if entry.event == "held" else entry.release
    name = current.release.release_id if current else "none yet; `just run` cuts the first one"
    waiting = f" · {held.release.release_id} waits for approval" if held else ""
    count = len({entry.release.release_id for entry in entries})
    console.print(f"releases: {count} · current {name}{waiting}", style="bold", soft_wrap=True)


def show_one(settings: Settings, name: str) -> None:
    """Print one release: its tables, what happened to it, and what is new since the one before. Raises ReleaseError."""
    with open_lake(settings) as live:
        catalogue = open_catalogue(live)
        release = find_release(catalogue, name)
        entries = [one for one in history(catalogue) if one.release.release_id == release.release_id]
        before = find_release(catalogue, release.previous) if release.previous else None
        loads = loads_between(catalogue, before, release) if before else {}
        rows = {table: _rows(catalogue, table, pin.snapshot_id) for table, pin in release.gold.items()}
    for entry in entries:
        console.print(
            f"{entry.event:<11} {entry.at:%Y-%m-%d %H:%M:%S} UTC  {entry.reason}", soft_wrap=True, markup=False
        )
    for table, pin in release.gold.items():
        told = "" if before and before.gold.get(table) == pin else "new"
        console.print(f"gold.{table:<26} {rows[table]:>12,} rows  {told}", soft_wrap=True, markup=False)
    for table, marks in loads.items():
        for mark in marks:
            console.print(f"load of bronze.{table}: {mark.load_id}", soft_wrap=True, markup=False)
    for file in models_between(before, release) if before else ():
        console.print(f"model {file}", soft_wrap=True, markup=False)
    console.print(
        f"release: {release.release_id} · content {release.content} · before it {release.previous or 'none'}",
        style="bold",
        soft_wrap=True,
    )


def _rows(catalogue: Catalog, table: str, snapshot_id: int) -> int:
    snapshot = catalogue.load_table(f"gold.{table}").snapshot_by_id(snapshot_id)
    return int(snapshot.summary.get("total-records") or 0) if snapshot and snapshot.summary else 0


def show_diff(settings: Settings, first: str, second: str) -> None:
    """Print how gold differs between two releases, with keys of the rows that do. Raises ReleaseError."""
    with open_lake(settings) as live:
        catalogue = open_catalogue(live)
        before, after = find_release(catalogue, first), find_release(catalogue, second)
        found = diff_releases(live, catalogue, before, after)
    for line in found.lines():
        console.print(line, soft_wrap=True, markup=False)
    differ = sum(not table.same for table in found.tables.values())
    console.print(f"diff: {differ} of {len(after.gold)} gold tables differ", style="bold")


def ask_at(settings: Settings, name: str, question: str, form: str) -> None:
    """Print what a release answers. Raises QueryError, UnknownNameError or ReleaseError."""
    with open_lake(settings) as live:
        answer = query_release(live, question, find_release(open_catalogue(live), name))
        sys.stdout.write(render(answer.columns, answer.rows, form))


def show_bisection(settings: Settings, text: str) -> None:
    """Print a number in every release, and what changed it. Raises QueryError or ReleaseError."""
    question = read_question(text, load_metrics())
    with open_lake(settings) as live:
        answers, steps = bisect(live, open_catalogue(live), question)
    if not answers:
        raise ReleaseError("There is no release yet; `just run` cuts the first one.")
    changed = {step.after.release_id: step for step in steps}
    for release, answer in answers:
        console.print(f"{release.release_id}  {answer}", soft_wrap=True, markup=False)
        if step := changed.get(release.release_id):
            _show_step(step)
    last = steps[-1] if steps else None
    told = (
        f"changed last in {last.after.release_id} by {last.cause}"
        if last
        else f"the same in every release ({len(answers)})"
    )
    console.print(f"bisect: {question} · {told}", style="bold", soft_wrap=True)


def _show_step(step: Step) -> None:
    console.print(f"  was {step.was}, changed by {step.cause}", soft_wrap=True, markup=False)
    for table, marks in step.loads.items():
        for mark in marks:
            console.print(f"  load of bronze.{table}: {mark.load_id} ({mark.writer})", soft_wrap=True, markup=False)
    for file in step.models:
        console.print(f"  model {file}", soft_wrap=True, markup=False)
    for key, load in step.rows:
        console.print(f"  row {key}" + (f", by load {load}" if load else ""), soft_wrap=True, markup=False)
