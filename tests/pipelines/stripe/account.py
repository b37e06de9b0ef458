"""Objects of a test's Stripe account."""

from datetime import UTC, datetime
from typing import Any

from pipelines.stripe.api import PAGE
from tests.pipelines.vendor import Asked, Vendor

NOON = int(datetime(2024, 1, 1, 12, tzinfo=UTC).timestamp())
_began = [0]


def charge(number: int, minute: int, **more: object) -> dict[str, Any]:
    """A charge made some minutes after noon."""
    return {"id": f"ch_{number}", "object": "charge", "created": NOON + 60 * minute} | more


def begin() -> None:
    """Let it be now: what a test calls now stays so to its end."""
    _began[0] = int(datetime.now(UTC).timestamp())


def now() -> int:
    """When the test began, in Unix seconds."""
    return _began[0]


def event(number: int, about: dict[str, Any], at: int | None = None) -> dict[str, Any]:
    """An event of just now."""
    return {"id": f"evt_{number}", "object": "event", "created": now() if at is None else at, "data": {"object": about}}


def asked_for(account: Vendor, path: str) -> list[Asked]:
    """The requests for the pages of a list."""
    return [asked for asked in account.asked if asked.path == path and asked.query["limit"] == str(PAGE)]


def seconds(at: int) -> str:
    """Write Unix seconds as a version."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
