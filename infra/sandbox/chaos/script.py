"""What goes wrong, and where: a script of faults, as JSON."""

from pathlib import Path
from typing import Literal

import msgspec

from lake.errors import SettingError

Kind = Literal[
    "rate_limited",
    "throttled",
    "status",
    "revoked",
    "expired_cursor",
    "too_costly",
    "reset",
    "cut",
    "truncated",
    "slow",
    "repeated",
    "shifted",
    "hidden",
    "write",
    "bulk_failed",
    "bulk_truncated",
    "skew",
    "webhook_lost",
    "webhook_doubled",
    "webhook_late",
    "webhook_shuffled",
    "webhook_forged",
]
Vendor = Literal["", "shopify", "stripe"]
Page = Literal["", "first", "mid", "last"]


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One fault: what, at which requests, and how much of it.

    It meets the requests that fit ``vendor``, ``object``, ``step`` and ``page`` (each of them any when empty), lets
    ``skip`` of them through, and strikes ``times`` of those that follow (0: all). What the other fields mean depends
    on the kind, see docs/sandbox.md: ``retry_after`` and ``seconds`` in seconds, ``code`` an HTTP status or what a
    bulk operation ends as, ``keep`` the share of a body that is sent, ``count`` documents, lines or cost points.
    """

    fault: Kind
    vendor: Vendor = ""
    object: str = ""
    step: str = ""
    page: Page = ""
    skip: int = 0
    times: int = 1
    code: int | str = 500
    retry_after: float | None = None
    seconds: float = 0.0
    keep: float = 0.5
    count: int = 1
    orders: int = 0
    changes: int = 0


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All faults that are on; every one counts the requests that it meets by itself."""

    faults: list[Fault]


def read_script(text: bytes) -> Script:
    """Read a script from its JSON. Raises SettingError with one sentence that says what it can't be."""
    try:
        script = msgspec.json.decode(text, type=Script)
    except msgspec.DecodeError as error:
        raise SettingError(f"The chaos script is wrong: {error}; see docs/sandbox.md for what it takes.") from None
    for place, fault in enumerate(script.faults):
        if fault.skip < 0 or fault.times < 0 or not 0 <= fault.keep <= 1 or fault.count < 0:
            raise SettingError(
                f"The chaos script is wrong: fault {place} ({fault.fault}) needs skip, times and count of 0 or more "
                "and keep between 0 and 1."
            )
    return script


def load_script(path: Path) -> Script:
    """Read a script from a file. Raises SettingError."""
    try:
        return read_script(path.read_bytes())
    except OSError as error:
        raise SettingError(f"The chaos script {path} can't be read: {error.strerror}.") from None
