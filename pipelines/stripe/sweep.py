"""A whole list held against bronze: what differs although no event told of it."""

from collections.abc import Iterator

import orjson

from pipelines.stripe.api import Stripe
from pipelines.stripe.cursor import created_version, read_version
from pipelines.stripe.held import Held, digest


class Sweep:
    """One table's latest documents beside those of the account.

    Stripe's objects have no time of change, so documents themselves are compared. One that is as bronze last has it
    keeps bronze's version; one that bronze has in another state, or not at all, gets the time of this reading.
    """

    def __init__(self, client: Stripe, here: dict[str, Held]) -> None:
        """Hold what ``client`` reads against what bronze has of it."""
        self._client, self._here = client, here
        self._met: set[str] = set()

    def version(self, identity: str, created: str, payload: bytes) -> str:
        """Give the version of a document that was just read, empty for one that is gone.

        ``created`` is the version of an object that bronze has nothing of; without it, that too gets this reading's.
        """
        self._met.add(identity)
        here = self._here.get(identity)
        now = read_version(self._client.now())
        if here is None:
            return created or now
        found = digest(orjson.loads(payload)) if payload else b""
        # "~" is after bronze's version and before what the next event of that same second gets.
        return here.version if here.digest == found else max(now, f"{here.version}~")

    def has(self, identity: str, version: str) -> bool:
        """Whether a version is the one that bronze last has."""
        here = self._here.get(identity)
        return here is not None and here.version == version

    def unmet(self, above: str, top: str) -> Iterator[str]:
        """Give the ids that didn't come though bronze has them, made after ``above`` and not after ``top`` if any."""
        for identity, here in self._here.items():
            made = created_version(here.created)
            if here.digest and identity not in self._met and made > above and (not top or made <= top):
                yield identity
