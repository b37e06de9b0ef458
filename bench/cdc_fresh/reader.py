"""Another reader of bronze: when the catalogue first showed it each commit, and what the follower held meanwhile."""

import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
from pyiceberg.catalog import Catalog

from bench.freshness import Spread
from lake.catalogue import find_table
from lake.commits import SUMMARY
from lake.errors import ProofError
from lake.pins import Pin
from lake.readers import connect, scan
from lake.settings import Settings

NAME = "bronze.pg_public_changes"
LOOK_SECONDS, WEIGH_SECONDS = 0.1, 1.0
SETTLING = 0.1
"""The part of a run, at its beginning, whose changes don't count: a reader that goes on for days is long past it."""
AGES = """
WITH changes AS (SELECT _op, _commit_lsn, _ordinal, _load_id, epoch_us(_commit_at) / 1e6 AS made FROM {rows}
                 WHERE _op <> 'r' AND id >= 0),
ages AS (SELECT shown - made AS age FROM changes JOIN seen USING (_load_id)
         WHERE made >= (SELECT min(made) + {settling} * (max(made) - min(made)) FROM changes))
SELECT count(DISTINCT (_commit_lsn, _ordinal)), count(*) FILTER (_op = 'c'), count(*) FILTER (_op = 'u'),
       (SELECT [quantile_cont(age, 0.5), quantile_cont(age, 0.99), max(age)] FROM ages) FROM changes
"""


@dataclass
class Reader:
    """Looks at the table through the catalogue; ``seen`` is when (seconds since 1970) it showed which load."""

    catalogue: Catalog
    pid: int
    seen: dict[str, float] = field(default_factory=dict)
    weights: list[int] = field(default_factory=list)
    _weigh_at: float = 0.0

    def look(self) -> int:
        """Look once, and give the rows that are visible."""
        table = find_table(self.catalogue, NAME)
        now = time.time()
        if time.monotonic() >= self._weigh_at:
            self._weigh_at = time.monotonic() + WEIGH_SECONDS
            self.weights.append(_resident(self.pid))
        if table is None or (newest := table.current_snapshot()) is None or newest.summary is None:
            return 0
        for snapshot in table.snapshots():
            if snapshot.summary is not None:
                self.seen.setdefault(str(snapshot.summary[f"{SUMMARY}load-id"]), now)
        return int(newest.summary["total-records"] or 0)

    def spread(self, settings: Settings, inserts: int, updates: int, late: float) -> Spread:
        """Read every change back with DuckDB, and say how old each was when its load was seen.

        Raises ProofError when they aren't the changes that were made.
        """
        pin = Pin.of(self.catalogue.load_table(NAME))
        assert pin is not None
        seen = pa.table({"_load_id": list(self.seen), "shown": list(self.seen.values())})  # noqa: F841  (DuckDB)
        with connect(settings) as connection:
            found = connection.execute(AGES.format(rows=scan(pin), settling=SETTLING)).fetchone()
        assert found is not None
        if found[:3] != (inserts + updates, inserts, updates):
            raise ProofError(f"Of {inserts} rows that came and {updates} that changed, bronze has {found[1:3]}.")
        third = max(1, len(self.weights) // 3)
        p50, p99, most = found[3]
        held, holds = max(self.weights[:third]), max(self.weights[-third:])
        return Spread(inserts + updates, len(self.seen), p50, p99, most, late, held, holds)


def _resident(pid: int) -> int:
    """Give the memory that a process holds now."""
    file = Path(f"/proc/{pid}/status")
    if file.exists():
        kibibytes = next(line.split()[1] for line in file.read_text("utf-8").splitlines() if line.startswith("VmRSS"))
    else:
        command = ["/bin/ps", "-o", "rss=", "-p", str(pid)]
        kibibytes = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
    return int(kibibytes) * 1024
