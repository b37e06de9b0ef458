"""Bulk operations that end badly: with a part of their data, or with a file that is cut short."""

from typing import Any

from infra.sandbox.answer import Answer
from infra.sandbox.chaos.strike import Strike, changed, content
from infra.sandbox.shopify.bulk import PARTIAL


def bulk_failed(strike: Strike) -> Answer:
    """Tell of a finished operation that it failed (or ended as ``code`` says), and where its partial data is."""
    told = content(strike.whole)
    for operation in ended(told):
        url, name = operation["url"], strike.fault.code
        operation["status"] = name if isinstance(name, str) else "FAILED"
        operation["errorCode"] = "INTERNAL_SERVER_ERROR" if operation["status"] == "FAILED" else None
        operation["url"] = None
        operation["partialDataUrl"] = url and url.replace("/bulk/", f"/bulk/{PARTIAL}")
    return changed(strike.whole, told)


def bulk_truncated(strike: Strike) -> Answer:
    """Send the result without its last ``count`` lines."""
    whole = strike.whole
    if whole.file is None:
        return whole
    lines = whole.file.read_bytes().splitlines(keepends=True)
    kept = lines[: max(0, len(lines) - strike.fault.count)]
    return whole._replace(body=b"".join(kept), file=None)


def ended(told: dict[str, Any]) -> list[dict[str, Any]]:
    """List the completed bulk operations in an answer."""
    values = (told.get("data") or {}).values()
    return [one for one in values if isinstance(one, dict) and one.get("status") == "COMPLETED"]
