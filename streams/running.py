"""The live flow as a child process."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from lake.handover import dump
from lake.settings import Settings

STOP_SECONDS = 30.0


@contextmanager
def flowing(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    """Run the flow and the fast lane in a child while the block runs.

    The child gets the settings through its standard input and ends when that closes, so it never outlives this
    process. It says in one sentence on standard error why it couldn't go on; ``poll()`` tells whether it runs.
    """
    command = [sys.executable, "-P", "-m", "streams", "--settings-on-stdin"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as child:  # noqa: S603
        assert child.stdin is not None
        try:
            with suppress(BrokenPipeError):
                child.stdin.write(dump(settings) + "\n")
                child.stdin.flush()
            yield child
        finally:
            with suppress(OSError):
                child.stdin.close()
            try:
                child.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                child.kill()
