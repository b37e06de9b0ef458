"""Boathouse as a contestant: one transform, as ``just run`` makes it, then what it left."""

import time

BEGAN = time.monotonic()

import json  # noqa: E402
import sys  # noqa: E402
from importlib.metadata import version  # noqa: E402
from pathlib import Path  # noqa: E402

from bench.transform.done import left_in  # noqa: E402
from lake.handover import load  # noqa: E402
from lake.pins import Pin  # noqa: E402
from lake.settings import silence_telemetry  # noqa: E402
from lake.transforms import transform  # noqa: E402
from lake.warehouse import WAREHOUSE  # noqa: E402


def main() -> None:
    """Build, and say what was done; the process's start counts."""
    told = json.loads(sys.stdin.read())
    settings = load(told["settings"])
    silence_telemetry(settings)
    pins = {name: Pin.from_json(pin) for name, pin in told["pins"].items()}
    transform(settings, pins, project=Path(told["project"]))
    seconds = time.monotonic() - BEGAN
    rows, checksum = left_in(settings.state_dir / WAREHOUSE)
    print(json.dumps({"seconds": seconds, "rows": rows, "checksum": checksum, "version": version("boathouse")}))


if __name__ == "__main__":
    main()
