import signal
import subprocess
import sys

import pytest

from lake import failpoints
from lake.errors import BoathouseError, SettingError


@pytest.mark.parametrize(
    "spec",
    ["nowhere", "nowhere:1:kill", "commit.before:x", "commit.before:0:kill", "commit.before:1:explode", ":1:kill"],
)
def test_a_failpoint_that_does_not_exist_is_a_sentence_that_lists_those_that_do(spec: str) -> None:
    with pytest.raises(SettingError, match=rf"^BOATHOUSE_FAILPOINT is '{spec}'; .*commit\.after.*kill, error\.$"):
        failpoints.arm(spec)


def test_a_place_without_a_name_of_its_own_is_an_error() -> None:
    with pytest.raises(SettingError, match="'nowhere' is no failpoint"):
        failpoints.reached("nowhere")


def test_nothing_happens_unless_armed() -> None:
    failpoints.arm("")
    for name in failpoints.NAMES:
        failpoints.reached(name)


def test_it_acts_on_its_place_and_hit_and_only_once() -> None:
    failpoints.arm("commit.before:2:error")
    failpoints.reached("commit.before")
    failpoints.reached("commit.after")
    with pytest.raises(BoathouseError, match=r"commit\.before"):
        failpoints.reached("commit.before")
    failpoints.reached("commit.before")


@pytest.mark.parametrize("spec", ["commit.before", "commit.before:1", "commit.before:1:kill"])
def test_it_kills_unless_told_otherwise(spec: str) -> None:
    code = f"from lake import failpoints; failpoints.arm('{spec}'); failpoints.reached('commit.before')"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -signal.SIGKILL
