"""Pulls one source in a process of its own: ``python -m tests.pipelines.pulling shopify``.

A number after ``stripe`` is how many pages of a list a load reads at most.
"""

import sys

from lake import failpoints
from lake.catalogue import open_catalogue
from lake.errors import BoathouseError
from lake.settings import load_settings, silence_telemetry
from pipelines.stripe import windows
from tests.pipelines.conftest import Lake


def main() -> int:
    """Pull, and print the number of new rows or the sentence of what went wrong."""
    settings = load_settings()
    failpoints.arm(settings.failpoint)
    silence_telemetry(settings)
    windows.SLICE = int(sys.argv[2]) if len(sys.argv) > 2 else windows.SLICE
    try:
        print(Lake(settings, open_catalogue(settings)).pull(sys.argv[1]).total)
    except BoathouseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
