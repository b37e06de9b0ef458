"""``python -m streams`` runs the live flow and the fast lane; ``python -m streams reset`` forgets the flow's state."""

import os
import signal
import sys
from pathlib import Path

from lake.errors import BoathouseError
from lake.failpoints import arm
from lake.handover import load, obey_parent
from lake.logs import configure_logs
from lake.settings import load_settings
from streams.flow import run
from streams.lane import Lane
from streams.recovery import opened, reset


def main(arguments: list[str]) -> int:
    """Run, and give the exit status; what goes wrong is one sentence on standard error."""
    _quieten_runtime()
    try:
        settings = load(sys.stdin.readline()) if "--settings-on-stdin" in arguments else load_settings()
        configure_logs(settings)
        arm(settings.failpoint)
        if "reset" in arguments:
            reset(settings)
            return 0
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        if "--settings-on-stdin" in arguments:
            obey_parent()
        with opened(settings) as store, Lane(settings):
            run(settings, store)
    except BoathouseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _quieten_runtime() -> None:
    """Keep Bytewax's native backtraces off standard error, where the one sentence goes."""
    sys.stderr = os.fdopen(os.dup(2), "w", buffering=1)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
