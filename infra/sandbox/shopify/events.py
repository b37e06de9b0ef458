"""The shop's events, of which there are deletions alone: of products and orders, as at Shopify, and of nothing else."""

from typing import Any

from infra.sandbox.identifiers import gid
from infra.sandbox.shop import Shop
from infra.sandbox.shopify.money import stamp
from infra.sandbox.shopify.search import searched, terms

Node = dict[str, Any]

_SUBJECTS = {"Product": "PRODUCT", "Order": "ORDER"}


def events(shop: Shop, query: str | None) -> list[Node]:
    """Make the events that match a search, oldest first."""
    found = [
        {
            "__typename": "BasicEvent",
            "id": gid("BasicEvent", number),
            "action": "destroy",
            "createdAt": stamp(at),
            "message": f"{kind} was deleted.",
            "subjectId": gid(kind, of),
            "subjectType": _SUBJECTS[kind],
        }
        for number, ((kind, of), at) in enumerate(sorted(shop.edits.removed.items(), key=lambda item: item[1]))
        if kind in _SUBJECTS
    ]
    for term in terms(query):
        field = {"action": "action", "subject_type": "subjectType"}.get(term.field)
        if field:
            found = [event for event in found if event[field].upper() == term.value.upper()]
    return list(searched(found, {"query": query}))
