"""The pace at which a shop's bucket of cost points allows queries."""

import time


class Pace:
    """Remembers what each query costs and what the bucket held, and says how long to wait before the next.

    Fact: shopify.dev, GraphQL Admin API, "Rate limits": ``extensions.cost`` with requestedQueryCost and throttleStatus.
    """

    def __init__(self) -> None:
        self._costs: dict[str, float] = {}
        self._available = 0.0
        self._restore = 0.0
        self._seen = 0.0

    def learn(self, query: str, requested: float, bucket: tuple[float, float] | None) -> None:
        """Take in an answer's cost in points, and its bucket: points available and points restored a second."""
        if requested:
            self._costs[query] = requested
        if bucket:
            (self._available, self._restore), self._seen = bucket, time.monotonic()

    def wait(self, query: str, at_least: float = 0.0) -> float:
        """Say in how many seconds the bucket holds what the query costs."""
        if not self._restore:
            return at_least
        now = self._available + (time.monotonic() - self._seen) * self._restore
        return max(at_least, (self._costs.get(query, 0.0) - now) / self._restore)
