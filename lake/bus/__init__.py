"""The bus: where a vendor's events wait, in order and durably, until the live flow and bronze have read them."""

from lake.bus.events import Entry, Event, GapError, rank
from lake.bus.opening import open_bus
from lake.bus.protocols import Bus, Reader

__all__ = ["Bus", "Entry", "Event", "GapError", "Reader", "open_bus", "rank"]
