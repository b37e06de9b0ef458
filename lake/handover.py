"""A part of Boathouse as a child process: handed its settings through standard input, gone when its parent is."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pydantic import SecretStr

from lake.settings import Settings

STOP_SECONDS = 30.0


def dump(settings: Settings) -> str:
    """Write settings, secrets included, as one line for a child's standard input and nothing else."""
    return json.dumps({name: _plain(value) for name, value in settings}, default=str)


def load(line: str) -> Settings:
    """Read settings back from ``dump``; neither the environment nor ``.env`` has a say."""
    return Settings(_env_file=None, **json.loads(line))


@contextmanager
def child(module: str, settings: Settings) -> Iterator[subprocess.Popen[str]]:
    """Run ``python -m <module> --settings-on-stdin`` while the block runs.

    The child reads the settings from its standard input and ends when that closes, so it never outlives this
    process. It says in one sentence on standard error why it couldn't go on; ``poll()`` tells whether it runs.
    """
    command = [sys.executable, "-P", "-m", module, "--settings-on-stdin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdin is not None
        try:
            with suppress(BrokenPipeError):
                process.stdin.write(dump(settings) + "\n")
                process.stdin.flush()
            yield process
        finally:
            with suppress(OSError):
                process.stdin.close()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def obey_parent() -> None:
    """In a child: be interrupted when standard input ends, as it does when the parent closes it or dies."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGINT)


def _plain(value: object) -> object:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
