"""Virtual environments, the live demonstration and Snowflake's, as a user types them, in a shop of a few orders."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.journeys.conftest import User, leave


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory, built_in: Callable[[Path], Path]) -> Iterator[User]:
    someone = User(tmp_path_factory.mktemp("environments"), {"sandbox_orders": "60"})
    built_in(someone.state.state_dir)
    try:
        yield someone
    finally:
        leave(someone)


def last_line(user: User, *words: str) -> str:
    done = user.boathouse(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip().splitlines()[-1]


def test_the_live_demonstration_ends_in_a_line_on_which_both_lanes_agree(user: User) -> None:
    said = last_line(user, "live", "--rate", "10/s", "--for", "3s")
    found = re.fullmatch(
        r"live: orders 30 · net revenue \d+\.\d\d USD · batch agrees in (\d+) of (\d+) closed windows"
        r" · event to API p50 \d+\.\d\d s, p99 \d+\.\d\d s",
        said,
    )
    assert found, said
    assert found[1] == found[2] != "0"


def test_an_environment_of_unchanged_models_is_planned_applied_compared_and_promoted(user: User) -> None:
    assert user.boathouse("run").returncode == 0
    assert last_line(user, "plan", "dev") == "plan: 0 models differ, 0 would be built in dev"
    missing = user.boathouse("diff", "dev")
    assert (missing.returncode, missing.stderr) == (1, "boathouse: There is no environment 'dev'; there is prod.\n")
    assert last_line(user, "apply", "dev") == "apply: ok · 0 models built in dev on duckdb"
    assert last_line(user, "diff", "dev") == "diff: dev compared with production on duckdb"
    reviewed = user.boathouse("review", "pr-7", "--format", "markdown")
    assert (
        reviewed.stdout
        == "## pr_7 beside production\n\nNo model changes.\n\n0 audits ran, 0 warn.\n\nNo row differs.\n"
    )
    assert last_line(user, "promote", "dev") == "promote: ok · 0 views moved, nothing built"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("plan", "dev", "--gateway", "oracle"), "There is no gateway 'oracle'; there is duckdb, snowflake."),
        (("plan", "dev", "--gateway", "snowflake"), "BOATHOUSE_SNOWFLAKE_ACCOUNT is not set; see docs/snowflake.md"),
    ],
)
def test_a_gateway_that_is_not_there_is_one_sentence(user: User, words: tuple[str, ...], said: str) -> None:
    done = user.boathouse(*words)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_demonstration_of_snowflake_ends_in_a_line_on_which_every_column_is_equal(user: User) -> None:
    said = last_line(user, "snowflake")
    found = re.fullmatch(
        r"snowflake: orders \d+ · customers \d+ · net revenue \d+\.\d\d USD"
        r" · models equal (\d+) of (\d+), columns equal (\d+) of (\d+)",
        said,
    )
    assert found, said
    assert (found[1], found[3]) == (found[2], found[4])
