"""A user's place: a folder and state of their own, and the command as they type it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra import local
from lake.settings import PREFIX, Settings


@dataclass
class User:
    """Somebody with an empty folder and the ``boathouse`` command."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    def boathouse(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Type ``boathouse <words>`` with settings (lower case) of this one call."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        ours = {PREFIX + name.upper(): value for name, value in (self.settings | settings).items()}
        command = [sys.executable, "-m", "boathouse", *words]
        return subprocess.run(
            command, cwd=self.folder, env=kept | ours, capture_output=True, text=True, timeout=900, check=False
        )

    @property
    def state(self) -> Settings:
        """Give the settings of this user's state, for a look from outside."""
        return Settings(_env_file=None, state_dir=self.folder / ".boathouse")


def leave(user: User) -> None:
    """Stop and remove whatever the user's commands left."""
    local.remove_all(user.state)


@pytest.fixture(scope="package")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """A user who has run the whole CDNOW history once."""
    user = User(tmp_path_factory.mktemp("reader"))
    try:
        done = user.boathouse("run")
        assert done.returncode == 0, done.stdout + done.stderr
        (user.folder / "first-run.txt").write_text(done.stdout, encoding="utf-8")
        yield user
    finally:
        leave(user)
