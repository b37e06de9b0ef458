"""Benchmarks compare equal work in turns, and say how many times as fast."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.__main__ import BENCHMARKS
from bench.comparison import AMONG, WARM_UP, Comparison, Contestant, compare
from bench.freshness import Freshness, Spread
from bench.growth import around, grow
from bench.trial import Trial, attempt
from lake.errors import ProofError, ServiceError, UnknownNameError


def trial(seconds: float, rows: int = 10, checksum: str = "1") -> Trial:
    return Trial(seconds, seconds / 2, 2**20, rows, checksum, "v1")


def running(*trials: Trial) -> Callable[[], Trial]:
    waiting = iter(trials)
    return lambda: next(waiting)


def contestants(*more: Contestant) -> tuple[Contestant, ...]:
    ours = Contestant("boathouse", "ours", running(trial(9), trial(1), trial(2)))
    return (ours, *more)


def test_ratios_are_of_trials_of_the_same_turn_and_the_warm_up_does_not_count() -> None:
    peer = Contestant("slow", "peer", running(trial(1), trial(10), trial(40)))
    quick = Contestant("quick", "peer", running(trial(1), trial(4), trial(4)))
    limit = Contestant("bare", "limit", running(trial(1), trial(0.5), trial(1)))
    found = compare("x", 10, contestants(peer, quick, limit), 2, lambda _: None)
    assert (found.best("peer"), found.best("limit")) == ("quick", "bare")
    said = json.loads(found.as_json())
    assert said["vs_peer"] == {"median": 3.0, "least": 2.0, "most": 4.0}
    assert said["vs_peers"]["slow"] == {"median": 15.0, "least": 10.0, "most": 20.0}
    assert said["vs_limit"]["median"] == 0.5
    assert (said["pairs"], said["unit"], said["versions"]["slow"]) == (2, "rows/s", "v1")


def test_without_a_warm_up_the_first_run_counts() -> None:
    limit = Contestant("bare", "limit", running(trial(3)))
    token = WARM_UP.set(False)
    try:
        ours = Contestant("boathouse", "ours", running(trial(2)))
        assert compare("x", 10, (ours, limit), 1, lambda _: None).ratio("bare").median == 1.5
    finally:
        WARM_UP.reset(token)


def test_of_the_peers_those_run_that_are_wanted() -> None:
    quick = Contestant("quick", "peer", running(*[trial(1)] * 3))
    slow = Contestant("slow", "peer", running())
    token = AMONG.set(("quick",))
    try:
        found = compare("x", 10, contestants(slow, quick), 2, lambda _: None)
        assert set(found.trials) == {"boathouse", "quick"}
        AMONG.set(("nobody",))
        with pytest.raises(UnknownNameError, match="There is no peer 'nobody'; there is slow"):
            compare("x", 10, contestants(slow), 2, lambda _: None)
    finally:
        AMONG.reset(token)


def test_without_peers_their_ratio_is_null() -> None:
    found = compare("x", 10, contestants(), 2, lambda _: None)
    assert json.loads(found.as_json())["vs_peer"] is None


@pytest.mark.parametrize("other", [trial(1, rows=9), trial(1, checksum="2")])
def test_other_work_is_a_failure_and_no_figure(other: Trial) -> None:
    peer = Contestant("other", "peer", running(other, other, other))
    with pytest.raises(ProofError, match="did different work"):
        compare("x", 10, contestants(peer), 2, lambda _: None)


def test_a_run_is_measured_and_a_failed_one_says_why() -> None:
    program = "import json, sys; told = json.load(sys.stdin); bytearray(50_000_000); print(json.dumps(told))"
    said: dict[str, object] = {"seconds": 2.5, "rows": 3, "checksum": "c", "version": "v"}
    found = attempt([sys.executable, "-c", program], said)
    assert (found.seconds, found.rows, found.checksum, found.version) == (2.5, 3, "c", "v")
    assert found.cpu_seconds > 0
    assert found.peak_bytes > 50_000_000
    with pytest.raises(ServiceError, match="failed: no room"):
        attempt([sys.executable, "-c", "raise SystemExit('no room')"], {})


def test_a_run_takes_the_memory_it_takes_and_not_that_of_whoever_measures() -> None:
    mine = bytearray(300_000_000)
    said: dict[str, object] = {"seconds": 1, "rows": 0, "checksum": "", "version": ""}
    found = attempt([sys.executable, "-c", "print(input())"], said)
    assert found.peak_bytes < len(mine) / 3


def test_growth_is_what_a_row_costs_at_a_size_over_what_it_cost_at_the_one_before() -> None:
    seconds = {10: 1.0, 100: 5.0, 1_000: 75.0}

    def run(rows: int) -> Comparison:
        took = [trial(seconds[rows], rows) for _ in range(2)]
        bare = Contestant("bare", "limit", running(*[trial(seconds[rows] / 2, rows)] * 2))
        ours = Contestant("boathouse", "ours", running(*took))
        found = compare("x", rows, (ours, bare), 1, lambda _: None)
        return found.beside(replace(found, name="x_again"))

    found = grow("x", around(100), run)
    assert found.rise == 1.5
    said = json.loads(found.as_json())
    assert [one["rows"] for one in said["sizes"]] == [10, 100, 1_000]
    assert [one["ours"] for one in said["sizes"]] == [100_000.0, 50_000.0, 75_000.0]
    assert [one["vs_limit"] for one in said["sizes"]] == [0.5, 0.5, 0.5]
    assert [(one.name, one.rise) for one in found.more] == [("x_again", 1.5)]


def test_freshness_is_that_of_the_run_in_the_middle_and_memory_that_of_the_one_that_grew_most() -> None:
    def run(p50: float, p99: float, last_bytes: int) -> Spread:
        return Spread(100, 2, p50, p99, p99, 0.0, 100, last_bytes)

    found = Freshness("x", 100, 50, 1.0, "v1", (run(0.5, 0.9, 100), run(0.25, 1.5, 120), run(0.8, 1.2, 90)))
    said = json.loads(found.as_json())
    assert (said["ours"], said["p99"], said["memory_growth"]) == (0.5, 1.2, 1.2)
    assert said["vs_limit"] == {"median": 2.0, "least": 1.25, "most": 4.0}
    assert (said["vs_peer"], said["pairs"]) == (None, 3)


@pytest.mark.parametrize("name", ["api_load", "snapshot", "cdc_fresh"])
def test_each_benchmark_works_at_toy_size(tmp_path: Path, name: str) -> None:
    root = Path(__file__).parent.parent.parent
    command = [sys.executable, "-m", "bench", name, "--rows", "600", "--pairs", "1", "--no-peers"]
    environment = {"BOATHOUSE_STATE_DIR": str(tmp_path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith(f"{name}: 600 rows · ")
    said = json.loads((tmp_path / "bench" / f"{name}.json").read_text())
    assert said["ours"] > 0
    assert said["vs_limit"]["median"] > 0


def test_a_benchmark_that_does_not_exist_is_named_with_those_that_do() -> None:
    done = subprocess.run([sys.executable, "-m", "bench", "nothing"], capture_output=True, text=True, check=False)
    said = f"bench: There is no benchmark 'nothing'; there is {', '.join(sorted(BENCHMARKS))}.\n"
    assert (done.returncode, done.stderr) == (1, said)
