"""The part of a test's vendor that answers as Stripe: lists newest first, single objects, embedded lists cut short."""

import json
from typing import Any

Documents = list[dict[str, Any]]
Reply = tuple[int, dict[str, str], bytes]
EMBEDDED = 10
"""Members of an embedded list that Stripe sends with its object."""


def stripe_reply(objects: dict[str, Documents], path: str, query: dict[str, str]) -> Reply:
    """Answer a GET of ``path`` from documents by the last part of their list's path (``charges``, ``sessions`` …).

    A document's ``lines``, ``items`` or ``line_items`` is a plain list of all members; it is sent as Stripe does.
    """
    parts = path.removeprefix("/v1/").removeprefix("checkout/").split("/")
    name, identity, below = (*parts, "", "")[:3]
    if name == "subscription_items":
        name, identity, below = "subscriptions", query["subscription"], "items"
    if not identity:
        return _list(objects.get(name, []), query)
    found = next((item for item in objects.get(name, []) if item.get("id") == identity), None)
    if found is None:
        return _refused(404, f"No such object: '{identity}'", "id")
    return _list(found[below], query) if below else _body(_sent(found))


def _list(listed: Documents, query: dict[str, str]) -> Reply:
    first, last = (int(query.get(f"created[{bound}]", limit)) for bound, limit in (("gte", 0), ("lte", 10**18)))
    newest_first = sorted(listed, key=lambda item: -item.get("created", 0))
    kept = [item for item in newest_first if first <= item.get("created", first) <= last]
    after = query.get("starting_after")
    places = [place for place, item in enumerate(kept) if after and item.get("id") == after]
    if after and not places:
        return _refused(400, f"No such object: '{after}'", "starting_after")
    rest = kept[places[0] + 1 :] if places else kept
    limit = int(query["limit"])
    data = [_sent(item) for item in rest[:limit]]
    return _body({"object": "list", "data": data, "has_more": len(rest) > limit})


def _sent(item: dict[str, Any]) -> dict[str, Any]:
    return {name: _embedded(value) if isinstance(value, list) else value for name, value in item.items()}


def _embedded(members: Documents) -> dict[str, Any]:
    return {"object": "list", "data": members[:EMBEDDED], "has_more": len(members) > EMBEDDED}


def _refused(status: int, message: str, param: str) -> Reply:
    error = {"message": message, "type": "invalid_request_error", "code": "resource_missing", "param": param}
    return _body({"error": error}, status)


def _body(content: object, status: int = 200) -> Reply:
    return status, {}, json.dumps(content).encode()
