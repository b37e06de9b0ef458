"""Everything at once, in the foreground: the API and the reports served, the sources pulled at an interval."""

import threading

from boathouse.console import Steps, console
from boathouse.run import pull_and_release, report, started
from infra import local
from lake.catalogue import open_catalogue
from lake.errors import BoathouseError
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
    with started(settings, steps) as live, serving(live) as address, flowing(live) as flow:
        console.print(
            f"serving {address} · reports {address}/reports/ · live {address}/live · Ctrl-C stops all of it",
            soft_wrap=True,
            style="bold",
        )
        try:
            while True:
                _pull_once(live)
                local.check_alive(live)
                if flow.poll() is not None:
                    console.print("live: stopped, as it says above; the batch goes on", style="red")
                stop.wait(settings.poll_interval)
        except KeyboardInterrupt:
            console.print("stopping …")
    console.print("up: stopped cleanly")


def _pull_once(live: Settings) -> None:
    steps = Steps()
    try:
        with writing(live, "just up"):
            release, fresh = pull_and_release(live, open_catalogue(live), steps)
            if fresh:
                report(live, release, steps)
        console.print(f"pull: ok · release {release.release_id} · {'new' if fresh else 'unchanged'}")
    except BoathouseError as error:
        local.check_alive(live)
        console.print(f"pull: failed · {error} The next try is in {live.poll_interval:.0f} s.", style="red")
