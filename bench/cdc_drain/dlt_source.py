"""dlt's ``pg_replication`` as a contestant, in an environment of its own: a slot drained into DuckDB, as it shows it.

Its source isn't on PyPI: ``dlt init pg_replication duckdb`` fetches it, and ``folder`` is where that was done.
"""

import json
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import dlt
import duckdb


def main() -> None:
    """Load as many changes as wait, and say what came."""
    told = json.loads(sys.stdin.read())
    sys.path.insert(0, told["folder"])
    from pg_replication import replication_resource  # type: ignore[import-not-found]

    dlt.config["runtime.dlthub_telemetry"] = False
    with tempfile.TemporaryDirectory(prefix="boathouse-bench-") as folder:
        file = Path(folder) / "changes.duckdb"
        destination = dlt.destinations.duckdb(str(file))
        pipeline = dlt.pipeline("changes", pipelines_dir=folder, destination=destination, dataset_name="bench")
        began = time.monotonic()
        # A batch opens the stream anew and the server decodes its log again, so the default of 1,000 takes days.
        changes = replication_resource(told["slot"], told["publication"], told["url"], target_batch_size=told["rows"])
        pipeline.run(changes)
        seconds = time.monotonic() - began
        with duckdb.connect(str(file), read_only=True) as landed:
            found = landed.execute(f"SELECT count(*), {told['checksum']} FROM bench.changes").fetchone()
    rows, checksum = found or (0, "")
    said = {"seconds": seconds, "rows": rows, "checksum": checksum, "version": f"dlt {version('dlt')}"}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
