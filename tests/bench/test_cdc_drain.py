import json
from pathlib import Path

from bench.cdc_drain.benchmark import bench_cdc_drain
from bench.comparison import OURS
from lake.settings import Settings


def test_ours_and_the_limit_take_all_changes_that_wait(tmp_path: Path) -> None:
    found = bench_cdc_drain(Settings(_env_file=None, state_dir=tmp_path), 3_000, 1, False, lambda _: None)
    said = json.loads(found.as_json())
    assert said["rows"] == 3_000
    assert said["vs_limit"]["median"] > 0
    assert list(found.trials) == [OURS, "pg_recvlogical"]
