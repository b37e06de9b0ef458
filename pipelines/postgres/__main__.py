"""``python -m pipelines.postgres`` follows the database of the settings until it is interrupted."""

import signal
import sys
from threading import Event

from lake.catalogue import ensure_namespaces, open_catalogue
from lake.errors import BoathouseError
from lake.failpoints import arm
from lake.handover import load, obey_parent
from lake.logs import configure_logs
from lake.settings import load_settings
from pipelines.postgres.continuous import follow
from pipelines.postgres.landing import IcebergBronze


def main(arguments: list[str]) -> int:
    """Follow, and give the exit status; what goes wrong is one sentence on standard error."""
    stop = Event()
    try:
        settings = load(sys.stdin.readline()) if "--settings-on-stdin" in arguments else load_settings()
        configure_logs(settings)
        arm(settings.failpoint)
        if "--settings-on-stdin" in arguments:
            obey_parent()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        catalogue = open_catalogue(settings)
        ensure_namespaces(catalogue)
        follow(settings, IcebergBronze(catalogue), stop)
    except BoathouseError as error:
        print(f"postgres: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
