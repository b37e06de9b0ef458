"""What was deleted in the shop, read from its events: the only trace that a product or an order leaves.

Facts: shopify.dev, query ``events`` (``action:destroy``, ``subject_type``; ``deletionEvents`` is deprecated and knows
neither orders nor customers). Other objects leave none: a repair, which compares all ids, finds those.
"""

from collections.abc import Iterator

import orjson

from pipelines.shopify.api import Shopify
from pipelines.shopify.documents import gid_type
from pipelines.shopify.pages import pages
from pipelines.shopify.resources import Resource, query_text

PAGE = 100


def read_deletions(client: Shopify, resource: Resource, since: str) -> Iterator[tuple[str, str, bytes]]:
    """Give (id, when it was deleted, the event) of each object deleted at or after ``since``. Raises SourceError."""
    if not resource.subject:
        return
    search = f"action:destroy AND subject_type:{resource.subject} AND created_at:>='{since}'"
    for payload in pages(client, query_text("events"), "events", {"query": search}, PAGE):
        event = orjson.loads(payload)
        # A search that isn't understood is ignored: what it gives is checked again here.
        identity = str(event.get("subjectId") or "")
        gone = event.get("action") == "destroy" and gid_type(identity) in resource.kinds
        if gone and event["createdAt"] >= since:
            yield identity, str(event["createdAt"]), payload
