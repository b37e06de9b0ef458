"""Orders and refunds as the vendors' webhooks tell of them."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from lake.bus import Event, open_bus
from lake.live.windows import minute_of
from lake.settings import Settings

DELIVERIES = count(1)
NOW = datetime.now(UTC).replace(microsecond=0)


def order(number: int, at: datetime, amount: str, updated: datetime | None = None, **more: Any) -> dict[str, Any]:
    """Write an order as REST webhooks do: one line of one piece."""
    return {
        "id": number,
        "admin_graphql_api_id": f"gid://shopify/Order/{number}",
        "name": f"#{number}",
        "created_at": at.isoformat(),
        "processed_at": at.isoformat(),
        "updated_at": (updated or at).isoformat(),
        "currency": "USD",
        "subtotal_price": amount,
        "total_price": amount,
        "total_discounts": "0.00",
        "test": False,
        "line_items": [{"id": number, "quantity": 1, "price": amount}],
    } | more


def shopify(topic: str, body: object, received: datetime | None = None) -> Event:
    """Make the event of a Shopify delivery; ``body`` is sent as it is when it is bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    at = received or datetime.now(UTC)
    return Event("shopify", topic, f"delivery-{next(DELIVERIES)}", at, content, at, "2025-10")


def refund(name: str, at: datetime, cents: int, status: str = "succeeded", said: datetime | None = None) -> Event:
    """Make the event of a Stripe refund."""
    identity = f"evt_{next(DELIVERIES)}"
    about = {"id": name, "object": "refund", "amount": cents, "currency": "usd", "status": status}
    created = int((said or at).timestamp())
    body = {"id": identity, "object": "event", "type": "refund.updated", "created": created, "api_version": "v"}
    content = json.dumps(body | {"data": {"object": about | {"created": int(at.timestamp())}}}).encode()
    return Event("stripe", "refund.updated", identity, datetime.now(UTC), content, api_version="v")


def publish(settings: Settings, events: Iterable[Event]) -> list[bool]:
    """Put events on the bus, in order."""

    async def put() -> list[bool]:
        bus = open_bus(settings)
        try:
            return [await bus.publish(event) for event in events]
        finally:
            await bus.close()

    return asyncio.run(put())


Sums = dict[tuple[datetime, str], dict[str, Decimal]]


def batch(events: Iterable[Event]) -> Sums:
    """Count what the last version of every order and refund comes to, minute by minute: the batch's answer."""
    last: dict[str, tuple[str, dict[str, Any], str]] = {}
    for event in events:
        body = json.loads(event.body)
        if event.source == "stripe":
            thing = body["data"]["object"]
            key, version = thing["id"], f"{body['created']:020d}"
        else:
            thing, key = body, str(body["id"])
            version = datetime.fromisoformat(body["updated_at"]).astimezone(UTC).isoformat()
        if key not in last or version >= last[key][0]:
            last[key] = (version, thing, event.source)
    sums: Sums = defaultdict(lambda: defaultdict(Decimal))
    for _, thing, source in last.values():
        if source == "stripe" and thing["status"] == "succeeded":
            place = sums[minute_of(datetime.fromtimestamp(thing["created"], UTC)), thing["currency"].upper()]
            place["refunded"] += Decimal(thing["amount"]) / 100
        elif source == "shopify" and not thing["test"]:
            place = sums[minute_of(datetime.fromisoformat(thing["processed_at"])), thing["currency"]]
            place["orders"] += 1
            place["net_amount"] += Decimal(thing["subtotal_price"])
            place["gross_amount"] += Decimal(thing["subtotal_price"])
            place["units"] += sum(line["quantity"] for line in thing["line_items"])
    return {key: dict(values) for key, values in sums.items()}


def minutes_ago(minutes: float, seconds: float = 0) -> datetime:
    """Give a moment before now, to the second."""
    return NOW - timedelta(minutes=minutes, seconds=seconds)
