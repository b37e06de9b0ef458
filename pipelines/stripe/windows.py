"""The part of a list that one load reads: newest first, in slices that leave no hole between them."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from pipelines.stripe.api import Keys, Stripe, decode_keys
from pipelines.stripe.cursor import NEVER, OVERLAP, Cursor, created_version, iso, unix
from pipelines.stripe.resources import Resource

SLICE = 1_000
"""Pages of one list in one load; what a crash can cost to read again."""


@dataclass
class Window:
    """What lies between what a table has and what the account holds, and how far down it is read."""

    mark: Cursor
    endless: bool = False
    high: str = ""
    low: str = ""

    def pages(self, client: Stripe, resource: Resource) -> Iterator[list[tuple[Keys, bytes]]]:
        """Read at most SLICE pages (all if ``endless``), from the newest down or on from where the last load stopped.

        What one second holds isn't cut: the next slice begins with the second in which this one ends.
        """
        top, floor = self.mark.low, self.mark.created
        asked = resource.listed()
        asked |= {"created[gte]": unix(floor)} if floor else {}
        asked |= {"created[lte]": unix(top)} if top else {}
        self.high = self.mark.high if top else floor
        for count, page in enumerate(client.pages(resource.path, asked), 1):
            objects = [(keys_of(one), one) for one in page]
            newest = created_version(max((keys.created or 0 for keys, _ in objects if _dated(keys)), default=None))
            if count == 1 and not top:
                self.high = max(floor, min(newest, iso(client.now() - OVERLAP)))
            yield objects
            if count >= SLICE and not self.endless and newest and (not top or newest < top):
                self.low = newest
                return

    @property
    def floor(self) -> str:
        """Give the time from which on everything has been read; empty for the beginning of time."""
        return self.low or self.mark.created

    def moved(self) -> Cursor:
        """Give the cursor after the pages were read."""
        if self.low:
            return msgspec.structs.replace(self.mark, high=self.high, low=self.low)
        return msgspec.structs.replace(self.mark, created=self.high, high="", low="", sweep="")


def _dated(keys: Keys) -> bool:
    return keys.created is not None and 0 <= keys.created < NEVER


def keys_of(payload: bytes) -> Keys:
    """Read an object's keys; none from what can't be read."""
    try:
        keys: Keys = decode_keys(payload)
    except msgspec.DecodeError:
        return Keys()
    return keys
