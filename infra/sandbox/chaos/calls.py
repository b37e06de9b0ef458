"""What a request to a vendor asks for, so that a fault can be aimed at it."""

import re
from typing import Any, NamedTuple

import orjson

from infra.sandbox.answer import Answer, Request

_ROOT = re.compile(r"\{\s*(?:\w+\s*:\s*)?(\w+)")
_CURSORS = ("after", "cursor")
CHANGING = frozenset({"token", "bulk_start"})
"""The steps that do something: a refused one must not be done first."""


class Call(NamedTuple):
    """One request: the vendor, the object (``orders``, ``charges`` …) and the step.

    Steps: ``token``, ``page``, ``count``, ``node`` (one document or more of what is nested in it), ``bulk_start``,
    ``bulk_poll``, ``bulk_file``, ``other``. ``later`` says that a page isn't the first.
    """

    vendor: str
    object: str
    step: str
    later: bool = False


def classify(request: Request) -> Call | None:
    """Say what a request is; nothing if it is to no vendor."""
    if request.path.startswith("/v1/"):
        return _stripe(request)
    if request.path == "/admin/oauth/access_token":
        return Call("shopify", "", "token")
    if request.path.startswith("/bulk/"):
        return Call("shopify", "", "bulk_file")
    return _graphql(request.body) if request.path.startswith("/admin/") else None


def _stripe(request: Request) -> Call:
    kind, _, rest = request.path.removeprefix("/v1/").strip("/").partition("/")
    if kind in ("checkout", "billing"):
        kind, _, rest = f"{kind}_{rest}".partition("/")
    later = "starting_after=" in request.query
    return Call("stripe", kind, "node" if rest else "page", later)


def _graphql(body: bytes) -> Call:
    try:
        asked: dict[str, Any] = orjson.loads(body)
        query, variables = str(asked["query"]), asked.get("variables") or {}
    except (ValueError, KeyError, TypeError, AttributeError):
        return Call("shopify", "", "other")
    root = root_field(query)
    if root == "bulkOperationRunQuery":
        return Call("shopify", root_field(str(variables.get("query", ""))), "bulk_start")
    if root in ("currentBulkOperation", "bulkOperation") or "BulkOperation/" in str(variables.get("id", "")):
        return Call("shopify", "", "bulk_poll")
    if root.endswith("Count"):
        return Call("shopify", root.removesuffix("Count"), "count")
    if root in ("node", "nodes"):
        return Call("shopify", "", "node")
    later = any(variables.get(name) for name in _CURSORS)
    return Call("shopify", root, "page" if "first" in variables else "other", later)


def root_field(query: str) -> str:
    """Give the name of a GraphQL query's first field."""
    found = _ROOT.search(query)
    return found[1] if found else ""


def page_of(call: Call, answer: Answer | None) -> set[str]:
    """Say which of first, mid and last a page is; one that is alone is first and last."""
    if call.step != "page" or answer is None or answer.status != 200:
        return set()
    places = {place for place, holds in (("first", not call.later), ("last", not _goes_on(call, answer))) if holds}
    return places or {"mid"}


def _goes_on(call: Call, answer: Answer) -> bool:
    told = orjson.loads(answer.body)
    if call.vendor == "stripe":
        return bool(told.get("has_more"))
    connection = (told.get("data") or {}).get(call.object) or {}
    return bool((connection.get("pageInfo") or {}).get("hasNextPage"))
