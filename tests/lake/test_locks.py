import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lake.errors import LockedError
from lake.locks import writing
from lake.settings import Settings

HOLD = """
import sys
from pathlib import Path
from lake.locks import writing
from lake.settings import Settings
with writing(Settings(_env_file=None, state_dir=Path(sys.argv[1])), "just run"):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, state_dir=tmp_path / "state")


def test_the_second_comer_is_told_who_writes(home: Settings) -> None:
    argv = [sys.executable, "-c", HOLD, str(home.state_dir)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        told = rf"^just run \(process {holder.pid}, since .*; wait for it to end"
        with pytest.raises(LockedError, match=told), writing(home, "just up"):
            pass
        holder.kill()
    with writing(home, "just up"):
        pass


def test_the_lock_is_free_again_after_a_failure(home: Settings) -> None:
    with pytest.raises(ZeroDivisionError), writing(home, "just run"):
        raise ZeroDivisionError
    told = rf"^just up \(process {os.getpid()}, "
    with writing(home, "just up"), pytest.raises(LockedError, match=told), writing(home, "just run"):
        pass


def test_two_state_folders_are_written_at_once(home: Settings, tmp_path: Path) -> None:
    other = home.model_copy(update={"state_dir": tmp_path / "other"})
    with writing(home, "just run"), writing(other, "just run"):
        assert re.match(r"just run \(process", (tmp_path / "other" / "write.lock").read_text())
