"""``transform``: ours, DuckDB alone and dbt over the same bronze, in four situations."""

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path

from bench.comparison import OURS, Comparison, Contestant, compare
from bench.transform.bronze import DAYS, FIRST, LINES, write_bronze
from bench.transform.contestants import Stage, Work
from bench.transform.rendered import Rendered, render
from bench.trial import Trial
from infra import local
from lake.catalogue import open_catalogue
from lake.settings import Settings
from lake.warehouse import PROJECT

ROWS = 20_000_000
CHANGED = "gold.fact_payments"
WAYS = ("tables", "incremental")
Run = Callable[..., Trial]
Say = Callable[[str], None]


def bench_transform(settings: Settings, rows: int, pairs: int, peers: bool, say: Say) -> Comparison:
    """Build silver and gold of ``rows`` order lines (20 M when 0): first, again, with one day more, one model changed.

    Gives the first build's comparison, with those of the others in ``more``. Raises BoathouseError.
    """
    lines = (rows or ROWS) // LINES * LINES
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="boathouse-bench-")))
        place = settings.model_copy(update={"state_dir": folder / "state"})
        stack.callback(local.remove_all, place)
        live = stack.enter_context(local.running(place, say, {"seaweedfs"}))
        before, after = write_bronze(open_catalogue(live), lines, say)
        later = lines + max(1, lines // LINES // DAYS) * LINES
        plain, edited = _project(folder / "plain"), _project(folder / "edited", CHANGED)
        models = render(live.model_copy(update={"state_dir": folder / "rendering"}), plain)
        changed = render(live.model_copy(update={"state_dir": folder / "rendering-edited"}), edited)
        stage = Stage(live, folder, (FIRST + timedelta(days=DAYS)).isoformat())
        first = Work(before, plain, models)
        works = {
            "transform": (lines, first),
            "transform_same": (lines, first),
            "transform_day": (later, Work(after, plain, models)),
            "transform_model": (lines, Work(before, edited, changed, _with_children(changed, CHANGED))),
        }
        found = [
            compare(name, count, _contestants(stage, work, peers, name), pairs, say)
            for name, (count, work) in works.items()
        ]
    return found[0].beside(*found[1:])


def _contestants(stage: Stage, work: Work, peers: bool, name: str) -> tuple[Contestant, ...]:
    """DuckDB alone is the limit of what builds as much; where there is less to build it is a peer who builds all."""
    fresh, limit = name == "transform", name in {"transform", "transform_model"}
    runs: dict[tuple[str, str], tuple[str, Run]] = {(OURS, "ours"): ("ours", stage.ours)}
    if limit or peers:
        runs["DuckDB alone", "limit" if limit else "peer"] = ("bare", stage.bare)
    for way in WAYS if peers else ():
        runs[f"dbt, {way}", "peer"] = (f"dbt-{way}", partial(stage.dbt, way))

    def built(place: str, run: Run) -> Trial:
        trial = run(work, fresh=fresh)
        if fresh:
            stage.keep(place)
        return trial

    return tuple(Contestant(name, kind, partial(built, place, run)) for (name, kind), (place, run) in runs.items())


def _project(copy: Path, changed: str = "") -> Path:
    """Copy the project of models, with one model changed so that every row of it is another."""
    shutil.copytree(PROJECT, copy, ignore=shutil.ignore_patterns(".cache", "logs", "tests", "__pycache__"))
    if changed:
        file = copy / "models" / f"{changed.replace('.', '/')}.sql"
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("status::TEXT AS status", "UPPER(status)::TEXT AS status"), encoding="utf-8")
    return copy


def _with_children(models: list[Rendered], name: str) -> tuple[str, ...]:
    """Name a model and all that follow from it, in the order in which they are built."""
    found = [name]
    for model in models:
        if any(one in found for one in model["reads"]):
            found.append(model["model"])
    return tuple(found)
