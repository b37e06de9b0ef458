"""Settings handed to a child process: through its standard input, secrets included, and nowhere else."""

import json

from pydantic import SecretStr

from lake.settings import Settings


def dump(settings: Settings) -> str:
    """Write settings, secrets included, as one line for a child's standard input and nothing else."""
    return json.dumps({name: _plain(value) for name, value in settings}, default=str)


def load(line: str) -> Settings:
    """Read settings back from ``dump``; neither the environment nor ``.env`` has a say."""
    return Settings(_env_file=None, **json.loads(line))


def _plain(value: object) -> object:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return [_plain(item) for item in value] if isinstance(value, list) else value
