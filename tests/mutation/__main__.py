"""``python -m tests.mutation [MODEL ...]`` tries every defect in every model, or in those named; ``just mutate``."""

import sys
import tempfile
from pathlib import Path

from boathouse.console import console
from lake.settings import Settings
from lake.transforms import quiet_console
from lake.warehouse import open_project
from tests.mutation.trial import Outcome, models_of, try_defects


def main(names: list[str]) -> None:
    """Try them, name what no test noticed, and print the score; fails when some model's every defect passes."""
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="boathouse-mutate-") as folder:
        alone = Settings(_env_file=None, state_dir=Path(folder))
        with quiet_console(None), open_project(alone, {}, unit_tests=True) as context, console.status("") as status:
            models = [model for model in models_of(context) if not names or model.name in names]
            for model in models:
                status.update(f"mutate: {model.name}, {len(outcomes)} defects tried")
                outcomes += try_defects(context, model)
    for model, defect, caught in outcomes:
        if not caught:
            where = " ".join(defect.where.split())
            console.print(f"missed  {model}: {defect.kind}: {where[:90]}", markup=False, soft_wrap=True)
    noticed, tried = sum(one.caught for one in outcomes), {one.model for one in outcomes}
    share = 100 * noticed / len(outcomes) if outcomes else 0.0
    console.print(f"mutate: {noticed} of {len(outcomes)} defects caught ({share:.1f} %) in {len(tried)} models")
    blind = tried - {one.model for one in outcomes if one.caught}
    if blind or not outcomes:
        sys.exit(f"mutate: no test notices anything in {', '.join(sorted(blind)) or 'no model'}")


if __name__ == "__main__":
    main(sys.argv[1:])
