"""Everything at once, in the foreground: the API and the reports served, the sources pulled at an interval."""

import subprocess
import threading
from collections.abc import Collection
from contextlib import ExitStack

from boathouse.console import Steps, console
from boathouse.run import pull_and_release, report, started
from infra import local
from lake.catalogue import open_catalogue
from lake.errors import BoathouseError
from lake.handover import child
from lake.locks import writing
from lake.settings import Settings
from server.serve import serving
from streams.running import flowing


def up(settings: Settings) -> None:
    """Serve and pull until Ctrl-C or SIGTERM, then stop everything this process started.

    A pull that fails says why and is tried again at the next interval; a service that dies ends it.
    Raises BoathouseError.
    """
    steps = Steps()
    stop = threading.Event()
    with (
        started(settings, steps) as live,
        serving(live) as address,
        flowing(live) as flow,
        Following(live) as following,
    ):
        console.print(
            f"serving {address} · reports {address}/reports/ · live {address}/live · Ctrl-C stops all of it",
            soft_wrap=True,
            style="bold",
        )
        try:
            while True:
                _pull_once(live, without={"postgres"} if following.goes_on() else set())
                following.see_to()
                local.check_alive(live)
                if flow.poll() is not None:
                    console.print("live: stopped, as it says above; the batch goes on", style="red")
                stop.wait(settings.poll_interval)
        except KeyboardInterrupt:
            console.print("stopping …")
    console.print("up: stopped cleanly")


class Following:
    """The child that follows the Postgres source; the first pull, and one after the child ended, do that themselves."""

    def __init__(self, live: Settings) -> None:
        self._live, self._stack = live, ExitStack()
        self._child: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Following":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def goes_on(self) -> bool:
        """Tell whether the child runs."""
        return self._child is not None and self._child.poll() is None

    def see_to(self) -> None:
        """Start the child if there is a database to follow and it doesn't run."""
        if self._live.postgres_dsn is None or self.goes_on():
            return
        if self._child is not None:
            console.print("postgres: stopped following, as it says above; it is started again", style="red")
        self._child = self._stack.enter_context(child("pipelines.postgres", self._live))


def _pull_once(live: Settings, without: Collection[str]) -> None:
    steps = Steps()
    try:
        with writing(live, "just up"):
            release, fresh = pull_and_release(live, open_catalogue(live), steps, without)
            if fresh:
                report(live, release, steps)
        console.print(f"pull: ok · release {release.release_id} · {'new' if fresh else 'unchanged'}")
    except BoathouseError as error:
        local.check_alive(live)
        console.print(f"pull: failed · {error} The next try is in {live.poll_interval:.0f} s.", style="red")
