"""The desk where metrics are asked for: finds an answer in memory, in Redis or in gold."""

import asyncio
import hashlib
from collections.abc import Mapping

import msgspec

from lake.errors import QueryError
from lake.metrics import Metric, find_metric
from server.answers import answer
from server.cache import Cache, Kept
from server.front import Address, Stored
from server.parameters import Parameters, read_parameters
from server.releases import Releases, Served

AT_ONCE = 4


class Desk:
    """Answer metrics over the release that is served.

    At most ``AT_ONCE`` questions run in DuckDB at a time. What Redis keeps is named by the release, the
    definitions and the parameters, so that neither a new release nor a changed definition meets old bytes.
    """

    def __init__(
        self, metrics: dict[str, Metric], releases: Releases, cache: Cache, kept: Kept[Address, Stored]
    ) -> None:
        self.metrics = metrics
        self._releases, self._cache, self._kept = releases, cache, kept
        self._definitions = definitions_hash(metrics)
        self._places = asyncio.Semaphore(AT_ONCE)

    async def ask(self, path: str, query: bytes, name: str) -> Stored:
        """Answer the metric ``name`` as the address's query asks, and keep the answer for the address.

        Raises UnknownNameError, QueryError, ReleaseError and ServiceError.
        """
        if not name.isprintable():
            raise QueryError("A metric's name can't hold control characters.")
        metric = find_metric(self.metrics, name)
        asked = read_parameters(query, metric)
        served = self._releases.current()
        release_id = served.release.release_id
        key = f"boathouse:answer:{release_id}:{self._definitions}:{name}?{asked.canonical()}"
        body = await self._cache.answer(key, lambda: self._measure(served, metric, asked))
        stored = Stored.of(body, release_id)
        self._kept.put((release_id, path, query), stored, len(body) + len(query) + 1024)
        return stored

    async def _measure(self, served: Served, metric: Metric, asked: Parameters) -> bytes:
        async with self._places:
            return await asyncio.to_thread(_measure, served, metric, asked)


def definitions_hash(metrics: Mapping[str, Metric]) -> str:
    """Hash the definitions, so that a change of one is a change of the hash."""
    return hashlib.sha256(msgspec.json.encode(metrics)).hexdigest()[:12]


def _measure(served: Served, metric: Metric, asked: Parameters) -> bytes:
    cursor = served.connection.cursor()
    try:
        return answer(cursor, served.release, metric, asked)
    finally:
        cursor.close()
