"""The fast lane as a thread beside the live flow."""

import threading

import structlog

from lake.errors import BoathouseError
from lake.settings import Settings

log = structlog.get_logger("streams")


class Lane:
    """Lands events in a thread of its own while the block runs, and what is left at its end.

    What goes wrong is logged and tried again; it never stops the live numbers.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fast lane", daemon=True)

    def __enter__(self) -> "Lane":
        """Start landing."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Land what is left and stop."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                self._land_until_stopped()
                return
            except BoathouseError as error:
                log.warning("the fast lane waits", reason=str(error))
            except Exception as error:
                log.error("the fast lane failed and starts again", exc_info=error)
            if self._stop.wait(self._settings.landing_interval):
                return

    def _land_until_stopped(self) -> None:
        # Iceberg's library takes seconds to import; the live numbers don't wait for it.
        from streams.landing import Lander, alone

        with alone(self._settings):
            lander = Lander(self._settings)
            try:
                while not self._stop.is_set():
                    if lander.land() < self._settings.landing_rows:
                        self._stop.wait(self._settings.landing_interval)
                while lander.land():
                    pass
            finally:
                lander.close()
