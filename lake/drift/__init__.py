"""Schema drift: what changed in the vendors' documents since the loads before, seen and kept, never in the way."""

from lake.drift.changes import Change, Kind
from lake.drift.ledger import known_drift
from lake.drift.watch import watch

__all__ = ["Change", "Kind", "known_drift", "watch"]
