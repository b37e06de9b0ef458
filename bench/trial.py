"""One run of one contestant in a process of its own, measured from outside and by itself."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lake.errors import ServiceError


@dataclass(frozen=True)
class Trial:
    """What a run took and did.

    ``seconds`` are those that the contestant counts itself, from its first request to its last commit; ``cpu_seconds``
    and ``peak_bytes`` are those of its whole process, imports and children included. ``checksum`` doesn't depend on
    the order of the rows.
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
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdin.write(json.dumps(told))
        child.stdin.close()
        said = child.stdout.read().strip().splitlines()
        complained = child.stderr.read().strip().splitlines()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode or not said:
        last = (complained or said or ["it said nothing"])[-1]
        raise ServiceError(f"The benchmark's run of {' '.join(command[-2:])} failed: {last[:300]}")
    did = json.loads(said[-1])
    # Linux counts kibibytes, macOS bytes.
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Trial(did["seconds"], used.ru_utime + used.ru_stime, peak, did["rows"], did["checksum"], did["version"])
