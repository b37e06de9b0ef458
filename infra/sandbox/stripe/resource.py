"""What a resource of Stripe's is to the sandbox: how its objects are numbered, made, filtered and sent."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from infra.sandbox.identifiers import stripe_index
from infra.sandbox.noise import Ints
from infra.sandbox.shop import Shop
from infra.sandbox.stripe.documents import Document

Numbers = Sequence[int]
EMBEDDED = 10
"""Members of an embedded list that are sent with its object."""


class Resource(NamedTuple):
    """One resource: what its objects are called, numbered by and made with, and how its lists are filtered.

    ``lists`` are members that hold a list of their own, with the path where all of it is; ``expandable`` are members
    that are only sent when asked for; ``names`` are the ids of a kind that the account's owner names.
    """

    kind: str
    prefix: str
    numbers: Callable[[Shop], Numbers]
    created: Callable[[Shop, int], int]
    make: Callable[[Shop, Ints], list[Document]]
    filters: dict[str, Callable[[Shop, str], Numbers]]
    lists: dict[str, str] = {}  # noqa: RUF012
    expandable: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def number(self, identifier: str) -> int | None:
        """Read the number out of an id, or nothing if it can't be one."""
        if self.names:
            return self.names.index(identifier) if identifier in self.names else None
        return stripe_index(self.prefix, identifier)

    def sent(self, document: Document, expanded: Sequence[str]) -> Document:
        """Give a document as it is sent: embedded lists cut short, and what wasn't asked for left out."""
        kept = {name: value for name, value in document.items() if name not in self.expandable or name in expanded}
        for name, path in self.lists.items():
            if name in kept:
                kept[name] = embedded(kept[name], path.format(id=document["id"]))
        return kept


def embedded(members: list[Document], url: str) -> Document:
    """Wrap the first members as Stripe embeds a list."""
    more = len(members) > EMBEDDED
    return {"object": "list", "data": members[:EMBEDDED], "has_more": more, "total_count": len(members), "url": url}


def one_by_one(make: Callable[[Shop, int], Document]) -> Callable[[Shop, Ints], list[Document]]:
    """Make many objects with a function that makes one."""
    return lambda shop, numbers: [make(shop, number) for number in numbers.tolist()]
