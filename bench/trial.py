"""One run of one contestant in a process of its own, measured from outside and by itself."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lake.errors import ServiceError


@dataclass(frozen=True)
class Trial:
    """What a run took and did.

    ``seconds`` are those that the contestant counts itself, from its first request to its last commit; ``cpu_seconds``
    are those of its whole process, imports and children included, and ``peak_bytes`` of the largest of them.
    ``checksum`` doesn't depend on the order of the rows.
    """

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    rows: int
    checksum: str
    version: str


def attempt(command: Sequence[str], told: Mapping[str, object]) -> Trial:
    """Run ``command`` with ``told`` as JSON on its standard input; its last line says what it did, as JSON.

    Raises ServiceError, with what it wrote last, when it fails.
    """
    metered = [sys.executable, "-m", "bench.meter", *command]
    done = subprocess.run(metered, input=json.dumps(told), capture_output=True, text=True, check=False)  # noqa: S603
    *said, measured = done.stdout.strip().splitlines() or [""]
    if done.returncode or not said:
        last = (done.stderr.strip().splitlines() or said or ["it said nothing"])[-1]
        raise ServiceError(f"The benchmark's run of {' '.join(command[-2:])} failed: {last[:300]}")
    did, used = json.loads(said[-1]), json.loads(measured)
    return Trial(did["seconds"], used["cpu_seconds"], used["peak_bytes"], did["rows"], did["checksum"], did["version"])
