"""The release that is served now: watched in the catalogue, opened once, replaced when a new one is cut."""

import asyncio
from datetime import UTC, datetime
from typing import NamedTuple

import duckdb
import structlog

from lake.catalogue import open_catalogue
from lake.errors import BoathouseError, ReleaseError
from lake.gold import open_gold
from lake.releases import Release, current_release
from lake.settings import Settings

PERIOD = 1.0

log = structlog.get_logger("server")


class Served(NamedTuple):
    """A release and the DuckDB that reads it; take a cursor for each question."""

    release: Release
    connection: duckdb.DuckDBPyConnection


class Releases:
    """Keep the release that is served.

    A task asks the catalogue once a second, one small request, so that no reader waits for it and answers
    are at most about a second behind; ``refresh`` asks at once. While the catalogue is away the release
    stays. A release that was replaced lives until its last question is answered.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._served: Served | None = None
        self._lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self.trouble: str | None = None

    async def start(self) -> None:
        """Look for a release and begin to watch."""
        await self.refresh()
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Stop watching."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def found(self) -> Served | None:
        """The release served now, None before the first."""
        return self._served

    def current(self) -> Served:
        """Give the release served now.

        Raises ReleaseError when there is none, with what is in the way if something is.
        """
        if self._served is None:
            raise ReleaseError(self.trouble or "There is no release yet; `just run` cuts the first one.")
        return self._served

    async def refresh(self) -> None:
        """Ask the catalogue for the current release and serve it; trouble is kept and logged once."""
        async with self._lock:
            try:
                await asyncio.to_thread(self._refresh)
            except BoathouseError as error:
                self._note(str(error))
            except Exception as error:
                log.debug("release not read", exc_info=error)
                self._note(f"The release can't be read ({type(error).__name__}); see that the services run.")
            else:
                self._note(None)

    def _refresh(self) -> None:
        release = current_release(open_catalogue(self._settings))
        if release is None or (self._served and self._served.release.release_id == release.release_id):
            return
        self._served = Served(release, open_gold(self._settings, release))
        age = (datetime.now(UTC) - release.cut_at).total_seconds()
        log.info("release served", release=release.release_id, age_seconds=round(age, 3))

    def _note(self, trouble: str | None) -> None:
        if trouble is not None and trouble != self.trouble:
            log.warning("release not refreshed", reason=trouble)
        self.trouble = trouble

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(PERIOD)
            await self.refresh()
