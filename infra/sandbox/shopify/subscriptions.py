"""The app's webhook subscriptions: made once each, and listed; nothing is sent to them by itself."""

import re
import time
from typing import Any

from infra.sandbox.identifiers import gid
from infra.sandbox.shopify.money import stamp

Node = dict[str, Any]

_ADDRESS = re.compile(r"https://[^\s/]+(/\S*)?")


class Subscriptions:
    """The subscriptions of one app."""

    def __init__(self) -> None:
        self.all: list[Node] = []

    def create(self, topic: str, wanted: Node) -> Node:
        """Make a subscription; refuse one that is there, and an address that isn't HTTPS, in Shopify's words."""
        uri = wanted.get("uri") or ""
        if not _ADDRESS.fullmatch(uri):
            return _refused("Address is invalid")
        if any((one["topic"], one["uri"]) == (topic, uri) for one in self.all):
            return _refused("Address for this topic has already been taken")
        at = stamp(int(time.time()))
        made = {
            "id": gid("WebhookSubscription", len(self.all)),
            "topic": topic,
            "uri": uri,
            "format": wanted.get("format") or "JSON",
            "createdAt": at,
            "updatedAt": at,
        }
        self.all.append(made)
        return {"webhookSubscription": made, "userErrors": []}


def _refused(message: str) -> Node:
    errors = [{"field": ["webhookSubscription", "uri"], "message": message}]
    return {"webhookSubscription": None, "userErrors": errors}
