"""Events as signals: which objects changed since the last load, to be read again and never trusted."""

from collections.abc import Iterator
from typing import Any

import orjson

from pipelines.stripe.cursor import created_version
from pipelines.stripe.resources import RESOURCES

SILENT = frozenset(resource.kind for resource in RESOURCES if resource.silent)
TOUCHED = {
    "dispute": (("charge", "charge"), ("payment_intent", "payment_intent")),
    "credit_note": (("invoice", "invoice"),),
    "discount": (("customer", "customer"), ("subscription", "subscription")),
}
"""Kinds whose events tell of a change of other objects too: the field that names the object, and its kind."""


class Signals:
    """What events say has changed: object kind to id to the second of its latest event and how many it had in it.

    An event's time is in whole seconds. An object that changed twice in one may have been read between the two, so the
    number of its events in that second is part of the version: the second one makes it be read once more.
    """

    def __init__(self) -> None:
        self._changed: dict[str, dict[str, tuple[str, int]]] = {}
        self._heeded: set[str] = set()

    def heed(self, identity: str, at: str, payload: bytes) -> None:
        """Note what an event of a time (ISO 8601) is about; one that comes twice counts once."""
        if identity in self._heeded:
            return
        self._heeded.add(identity)
        about = (orjson.loads(payload).get("data") or {}).get("object") or {}
        kind = about.get("object")
        if isinstance(kind, str) and _id(about):
            self._note(kind, _id(about), at, about.get("created"))
        for field, other in TOUCHED.get(str(kind), ()):
            touched = _id(about.get(field))
            if touched:
                self._note(other, touched, at, None)

    def since(self, kind: str, since: str) -> Iterator[tuple[str, str]]:
        """Give the id and the version of each object of a kind that changed at a time or later."""
        for identity, (at, count) in self._changed.get(kind, {}).items():
            if at >= since:
                yield identity, at if count == 1 else f"{at}~{count:04d}"

    def _note(self, kind: str, identity: str, at: str, created: Any) -> None:
        noted, count = self._changed.setdefault(kind, {}).get(identity, ("", 0))
        if at < noted:
            return
        if at > noted:
            # What came to be without an event in this very second may have been listed before the change.
            count = int(kind in SILENT and isinstance(created, int) and created_version(created) == at)
        self._changed[kind][identity] = (at, count + 1)


def _id(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("id")
    return value if isinstance(value, str) else ""
