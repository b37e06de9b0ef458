"""``python -m bench.meter COMMAND …`` runs a command, and adds a line with what it and its children used.

A process inherits the peak of the one that starts it, so whoever measures starts a small one in between.
"""

import json
import os
import subprocess
import sys


def main() -> int:
    """Run the command with this process's own streams, and give what it gives."""
    with subprocess.Popen(sys.argv[1:]) as child:  # noqa: S603
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    # Linux counts kibibytes, macOS bytes.
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({"cpu_seconds": used.ru_utime + used.ru_stime, "peak_bytes": peak}), flush=True)
    return child.returncode


if __name__ == "__main__":
    sys.exit(main())
