"""An event as the vendor delivered it, and its place on the bus."""

from datetime import datetime
from typing import NamedTuple

import msgspec

from lake.errors import ServiceError


class GapError(ServiceError):
    """Events that a reader had not read yet are no longer on the bus."""


class Event(msgspec.Struct, frozen=True, gc=False):
    """One delivery of a vendor.

    ``source`` is the vendor, ``topic`` what happened in its words (``orders/create``, ``charge.refunded``),
    ``delivery_id`` its id of the delivery, ``body`` the bytes it signed. ``received_at`` is when we got it,
    ``triggered_at`` when the vendor says that it happened.
    """

    source: str
    topic: str
    delivery_id: str
    received_at: datetime
    body: bytes
    triggered_at: datetime | None = None
    api_version: str = ""

    def fields(self) -> dict[str, bytes]:
        """Write the event as the fields of a stream entry or the headers of a message; the body is ``body``."""
        triggered = self.triggered_at.isoformat() if self.triggered_at else ""
        return {
            "source": self.source.encode(),
            "topic": self.topic.encode(),
            "delivery_id": self.delivery_id.encode(),
            "received_at": self.received_at.isoformat().encode(),
            "triggered_at": triggered.encode(),
            "api_version": self.api_version.encode(),
            "body": self.body,
        }

    @classmethod
    def of_fields(cls, fields: dict[str, bytes]) -> "Event":
        """Read an event back from ``fields``. Raises KeyError and ValueError for what isn't one."""
        triggered = fields["triggered_at"].decode()
        return cls(
            source=fields["source"].decode(),
            topic=fields["topic"].decode(),
            delivery_id=fields["delivery_id"].decode(),
            received_at=datetime.fromisoformat(fields["received_at"].decode()),
            body=fields["body"],
            triggered_at=datetime.fromisoformat(triggered) if triggered else None,
            api_version=fields["api_version"].decode(),
        )


class Entry(NamedTuple):
    """An event and the position after it, from which a reader goes on."""

    position: str
    event: Event


def rank(position: str) -> int:
    """Give a position's place in its partition, counted from 1 for that after the first entry; 0 when empty."""
    return int(position.rsplit(" ", 1)[-1]) if position else 0
