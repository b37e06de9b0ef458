"""One lock around whatever plans, runs, builds, cleans up or decides: the second comer is told who holds it."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from boathouse import approvals, environments, repair, run, snowflake, state
from lake.errors import LockedError
from lake.locks import writing
from lake.settings import Settings

WRITERS: dict[str, Callable[[Settings], object]] = {
    "run": run.run,
    "plan": lambda settings: environments.plan(settings, "dev", "duckdb"),
    "apply": lambda settings: environments.apply(settings, "dev", "duckdb"),
    "diff": lambda settings: environments.diff(settings, "dev", "duckdb"),
    "promote": lambda settings: environments.promote(settings, "dev", "duckdb"),
    "review": lambda settings: environments.review(settings, "dev", "duckdb", "text"),
    "snowflake": snowflake.demonstrate,
    "prove": lambda settings: repair.prove_object(settings, "orders", "30d"),
    "repair": lambda settings: repair.repair_objects(settings, [], "30d"),
    "approve": lambda settings: approvals.approve(settings, None, "a reason"),
    "rollback": lambda settings: approvals.roll_back(settings, "r1", "a reason"),
    "stop": state.stop_services,
    "clean": state.remove_state,
}


@pytest.mark.parametrize("name", WRITERS)
def test_whoever_comes_second_is_told_who_is_there(tmp_path: Path, name: str) -> None:
    alone = Settings(_env_file=None, state_dir=tmp_path)
    with writing(alone, "just up"), pytest.raises(LockedError, match=r"^just up \(process \d+, since "):
        WRITERS[name](alone)


def test_a_pull_request_is_told_by_the_command_that_is_tried_here() -> None:
    file = Path(__file__).parent.parent.parent / ".github" / "workflows" / "pull-request.yml"
    steps = yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"]["review"]["steps"]
    commands = [line.strip() for step in steps for line in str(step.get("run", "")).splitlines()]
    assert 'uv run boathouse review "$ENVIRONMENT" --format markdown | tee review.md' in commands
    assert commands[-1].endswith("--body-file review.md")
