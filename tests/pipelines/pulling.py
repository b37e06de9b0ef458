"""Pulls one source in a process of its own: ``python -m tests.pipelines.pulling shopify``."""

import sys

from lake import failpoints
from lake.catalogue import open_catalogue
from lake.errors import BoathouseError
from lake.settings import load_settings, silence_telemetry
from tests.pipelines.conftest import Lake


def main() -> int:
    """Pull, and print the number of new rows or the sentence of what went wrong."""
    settings = load_settings()
    failpoints.arm(settings.failpoint)
    silence_telemetry(settings)
    try:
        print(Lake(settings, open_catalogue(settings)).pull(sys.argv[1]).total)
    except BoathouseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
