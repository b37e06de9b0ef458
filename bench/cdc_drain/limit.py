"""What the server can send at best: Postgres' own ``pg_recvlogical``, into nothing."""

import json
import subprocess
import sys
import time
from pathlib import Path

from bench.cdc_drain.waiting import PUBLICATION, checksum


def main() -> None:
    """Receive everything up to the end, and say what was waiting."""
    told = json.loads(sys.stdin.read())
    command = [
        *(told["program"], "--dbname", told["dsn"], "--slot", told["slot"], "--start", "--no-loop"),
        *("--file", "/dev/null", "--endpos", told["end"], "--option", "proto_version=1"),
        *("--option", f"publication_names={PUBLICATION}"),
    ]
    began = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603
    seconds = time.monotonic() - began
    rows, total = checksum(told["dsn"])
    print(json.dumps({"seconds": seconds, "rows": rows, "checksum": total, "version": Path(told["program"]).name}))


if __name__ == "__main__":
    main()
