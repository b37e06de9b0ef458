"""One whole way: start, pull, prove, transform, publish, serve, and say what happened."""

import os
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pyiceberg.catalog import Catalog
from rich.markup import escape

from boathouse.console import Copied, Steps, console
from boathouse.gates import Gates, settled
from boathouse.ingest import Pull, ingest
from boathouse.refresh import bronze_pins, build, is_current, prove_loads, release_gold
from boathouse.summary import Headline, read_headline
from boathouse.workplace import open_workplace
from infra import local
from lake.catalogue import open_catalogue
from lake.drift import watch
from lake.errors import ReleaseError
from lake.failpoints import reached
from lake.gold import open_gold
from lake.locks import writing
from lake.metrics import load_metrics
from lake.releases import Release, last_built
from lake.settings import Settings
from pipelines.loads import Loaded
from server.reports import build_site
from server.serve import serving_here

SHOWN = 5
PAGES = Path(__file__).parent.parent / "reports"


def run(settings: Settings, *, anew: bool = False) -> None:
    """Take everything the sources have to a release that is served, and print the closing lines.

    ``anew`` builds every model whole. Raises BoathouseError; what was finished stays, and another run goes on
    from there.
    """
    steps = Steps()
    with writing(settings, "just run"), started(settings, steps) as live:
        catalogue = open_catalogue(live)
        release, fresh = pull_and_release(live, catalogue, steps, anew=anew)
        site = report(live, release, steps)
        with steps.step("serve") as (step, _), serving_here(live) as address:
            headline = read_headline(address)
            step.remark = f"read back through {address}"
    _say(steps, headline, release, fresh, site)


@contextmanager
def started(settings: Settings, steps: Steps) -> Iterator[Settings]:
    """Open the workplace as one step, and give the settings that it filled in."""
    with ExitStack() as stack:
        with steps.step("start") as (step, say):
            live = stack.enter_context(open_workplace(settings, say))
            step.remark = "the sandbox shop stands in for all sources" if settings.uses_sandbox else "your own sources"
        try:
            yield live
        except Exception:
            # What failed may be the death of a service; then that is what the user should hear.
            local.check_alive(live)
            raise


def pull_and_release(
    live: Settings, catalogue: Catalog, steps: Steps, without: Collection[str] = (), *, anew: bool = False
) -> tuple[Release, bool]:
    """Pull every source but those ``without`` and cut a release if anything changed; give it and whether it is new.

    ``anew`` builds every model whole.
    """
    pull(live, catalogue, steps, without)
    with steps.step("prove") as (step, _):
        proofs = prove_loads(live, catalogue)
        step.rows = sum(proof.landed_count for proof in proofs)
        step.remark = f"{len(proofs)} loads agree with their sources" if proofs else "nothing new to prove"
        quarantined = sum(proof.mark.quarantined for proof in proofs)
        if quarantined:
            step.remark += f", {quarantined:,} unreadable documents are in bronze.quarantine"
    gates = Gates(catalogue)
    with steps.step("contracts") as (step, _):
        checks = gates.enter(live)
        warned = sum(not one.passed for one in checks)
        step.remark = f"{len(checks)} checks of what landed, {warned} warnings" if checks else "nothing new to check"
    look_for_drift(live, catalogue, steps)
    built = last_built(catalogue)
    if built is not None and not anew and is_current(built.release, bronze_pins(catalogue)):
        current = settled(catalogue)
        assert current is not None
        if current.event == "rolled back":
            name, why = current.release.release_id, current.reason or "no reason given"
            console.print(f"  [yellow]rolled back[/] to {name} ({why}), which stays current", soft_wrap=True)
        return current.release, False
    return transform_and_release(live, gates, steps, anew=anew), True


def look_for_drift(live: Settings, catalogue: Catalog, steps: Steps) -> None:
    """Compare what landed with what came before, and say what drifted; nothing is held back for it."""
    with steps.step("drift") as (step, _):
        reached("drift.before")
        changes = watch(live, catalogue)
        step.remark = f"{len(changes)} drifts, kept in ops.drift" if changes else "every document is as before"
    for change in changes[:SHOWN]:
        console.print(f"  [yellow]drift[/] {escape(str(change))}", soft_wrap=True)
    if (more := len(changes) - SHOWN) > 0:
        console.print(f"  [yellow]drift[/] and {more} more; `boathouse drift` shows all", soft_wrap=True)


def pull(live: Settings, catalogue: Catalog, steps: Steps, without: Collection[str] = ()) -> None:
    """Pull every configured source but those ``without``, one step each."""
    for name, load in ingest(live, catalogue, without):
        pull_as_step(steps, name, load)


def pull_as_step(steps: Steps, name: str, load: Pull) -> Loaded:
    """Pull a source as one step that says how far a copy is, and what each table gained."""
    with steps.step(name) as (step, say):
        loaded = load(Copied(say))
        step.rows = loaded.total
        news = {table: rows for table, rows in loaded.rows.items() if rows}
        told = [f"{table.removeprefix(name + '_')} {rows:,}" for table, rows in news.items()]
        step.remark = ", ".join([*loaded.notes, *told])
    return loaded


def transform_and_release(live: Settings, gates: Gates, steps: Steps, *, anew: bool = False) -> Release:
    """Build silver and gold over bronze as it is now, and cut a release when every gate passed."""
    pins = bronze_pins(gates.catalogue)
    if not pins:
        raise ReleaseError("There is nothing in bronze yet, so there is nothing to release; check the sources.")
    with steps.step("transform") as (step, say):
        result = build(live, gates, pins, say, anew=anew)
        failed = sum(not audit.passed for audit in result.audits)
        step.remark = f"{len(result.audits)} audits, {failed} warnings"
    with steps.step("gates") as (step, _):
        gates.leave(live)
        step.remark = gates.remark()
    with steps.step("publish") as (step, _):
        release, changed = release_gold(live, gates, pins, result.models)
        step.remark = f"release {release.release_id}, {len(changed)} of {len(release.gold)} gold tables new"
    return release


def report(live: Settings, release: Release, steps: Steps) -> Path:
    """Render the report of the release and give its start page."""
    reached("report.before")
    folder = live.state_dir / "site"
    with steps.step("report") as (step, _):
        connection = open_gold(live, release)
        try:
            site = build_site(PAGES, folder, release.release_id, connection, load_metrics())
        finally:
            connection.close()
        step.remark = f"{site.pages} pages, {site.queries} queries, {site.rebuilt} rendered anew"
    return folder / "index.html"


def _say(steps: Steps, headline: Headline, release: Release, fresh: bool, site: Path) -> None:
    console.print()
    console.print(steps.table())
    console.print()
    if not fresh:
        console.print(f"nothing new: no rows, no release; {release.release_id} stays current")
    console.print(str(headline), soft_wrap=True)
    where = os.path.relpath(site)
    console.print(
        f"run: ok · release {release.release_id} · {steps.seconds:.1f} s · report {where}", soft_wrap=True, style="bold"
    )
