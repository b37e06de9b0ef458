"""``python -m tests.mutation [MODEL ...]`` tries every defect in every model, or in those named; ``just mutate``."""

import sys
import tempfile
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from rich.progress import Progress
from rich.table import Table

from boathouse.console import console
from lake.settings import Settings
from lake.transforms import quiet_console
from lake.warehouse import open_project
from tests.mutation.defects import KINDS
from tests.mutation.trial import Outcome, Trials


def main(names: list[str]) -> None:
    """Try them, name what nothing noticed, and print the scores; fails when a defect of the four KINDS is missed."""
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="boathouse-mutate-") as folder:
        alone = Settings(_env_file=None, state_dir=Path(folder))
        with quiet_console(None), open_project(alone, {}, unit_tests=True) as context:
            with console.status("mutate: the shop is built"):
                trials = Trials(context, Path(folder))
            models = [model for model in trials.models() if not names or model.name in names]
            with Progress(console=console, transient=True) as progress:
                for model in progress.track(models, description="mutate"):
                    outcomes += trials.of(model)
    console.print(score(outcomes))
    for model, defect, noticed in outcomes:
        if not noticed:
            where = " ".join(defect.where.split())
            console.print(f"missed  {model}: {defect.kind}: {where[:90]}", markup=False, soft_wrap=True)
    console.print(sentence(outcomes), style="bold", soft_wrap=True)
    if not outcomes or any(one.defect.kind in KINDS and not one.noticed for one in outcomes):
        sys.exit(1)


def score(outcomes: Iterable[Outcome]) -> Table:
    """Give each model's score as a table: what its tests noticed, what its audits did besides, and what nobody did."""
    table = Table("model", box=None, pad_edge=False)
    for name in ("defects", "by a test", "by an audit", "missed", "caught"):
        table.add_column(name, justify="right")
    for model, found in groupby(outcomes, lambda one: one.model):
        noticed = [one.noticed for one in found]
        counts = [noticed.count(how) for how in ("test", "audit", "")]
        share = f"{100 * (1 - counts[2] / len(noticed)):.0f} %"
        table.add_row(model, str(len(noticed)), *map(str, counts), share)
    return table


def sentence(outcomes: list[Outcome]) -> str:
    """Say the overall score, and that of the four kinds which every model must notice."""
    parts = []
    for kind in KINDS:
        tried = [bool(one.noticed) for one in outcomes if one.defect.kind == kind]
        parts.append(f"{kind} {sum(tried)} of {len(tried)}")
    caught, models = sum(bool(one.noticed) for one in outcomes), {one.model for one in outcomes}
    share = 100 * caught / len(outcomes) if outcomes else 0.0
    told = f"{caught:,} of {len(outcomes):,} defects caught ({share:.1f} %) in {len(models)} models"
    return f"mutate: {told} · {', '.join(parts)}"


if __name__ == "__main__":
    main(sys.argv[1:])
