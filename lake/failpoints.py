"""Named places where a test makes the process die or fail.

``BOATHOUSE_FAILPOINT=name:hit:action`` acts on the ``hit``-th time (from 1) that the place is passed;
without the setting a failpoint does nothing. Actions: ``kill`` (SIGKILL to this process), ``error``.
"""

import os
import signal
from collections import Counter

from lake.errors import BoathouseError, SettingError

NAMES = frozenset(
    {
        "services.started",
        "sandbox.started",
        "ingest.answered",
        "ingest.extracted",
        "ingest.normalized",
        "commit.before",
        "commit.after",
        "ingest.loaded",
        "postgres.slot_created",
        "postgres.copy_noted",
        "cdc.before_slot_create",
        "cdc.after_slot_before_copy",
        "cdc.during_copy",
        "cdc.after_copy_before_stream",
        "cdc.before_parquet_write",
        "cdc.after_parquet_before_commit",
        "cdc.during_commit",
        "cdc.after_commit_before_state",
        "cdc.after_state_before_ack",
        "cdc.before_status_update",
        "cdc.during_schema_change",
        "postgres.before_advance",
        "prove.before",
        "drift.before",
        "drift.recorded",
        "transform.before",
        "transform.begun",
        "transform.model",
        "transform.replaced",
        "transform.deleted",
        "transform.written",
        "transform.promoting",
        "transform.promoted",
        "transform.finished",
        "transform.after",
        "publish.before",
        "publish.table",
        "release.before",
        "release.after",
        "report.before",
        "repair.landed",
        "debezium.landed",
    }
)
ACTIONS = ("kill", "error")

_armed: tuple[str, int, str] | None = None
_passed: Counter[str] = Counter()


def arm(spec: str) -> None:
    """Arm one failpoint from ``name:hit:action``, or disarm with an empty string.

    Raises SettingError for a name, hit or action that doesn't exist.
    """
    global _armed
    _passed.clear()
    _armed = None
    if not spec:
        return
    name, _, rest = spec.partition(":")
    hit, _, action = (rest or "1:kill").partition(":")
    if name not in NAMES or not hit.isdigit() or int(hit) < 1 or (action or "kill") not in ACTIONS:
        raise SettingError(
            f"BOATHOUSE_FAILPOINT is '{spec}'; it takes name:hit:action with a name of "
            f"{', '.join(sorted(NAMES))} and an action of {', '.join(ACTIONS)}."
        )
    _armed = (name, int(hit), action or "kill")


def reached(name: str) -> None:
    """Pass the failpoint ``name``: do nothing, die or raise BoathouseError, as armed."""
    if name not in NAMES:
        raise SettingError(f"'{name}' is no failpoint.")
    if _armed is None or _armed[0] != name:
        return
    _passed[name] += 1
    if _passed[name] != _armed[1]:
        return
    if _armed[2] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise BoathouseError(f"The failpoint {name} was told to fail here.")
