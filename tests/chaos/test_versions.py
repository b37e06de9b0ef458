import signal
from collections.abc import Iterator

import pytest

from lake.catalogue import ensure_namespaces, open_catalogue
from lake.settings import Settings
from tests.chaos.reader import start
from tests.chaos.servers import EMBEDDED, Server, running, versions
from tests.chaos.trial import PATIENCE_SECONDS, Trials
from tests.chaos.workload import run


@pytest.fixture(scope="module", params=versions())
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(request.param, tmp_path_factory.mktemp("cluster")) as found:
        yield found


def test_a_server_that_is_stopped_or_killed_under_a_reader_loses_and_doubles_nothing(
    server: Server, settings: Settings
) -> None:
    ensure_namespaces(open_catalogue(settings))
    trials = Trials(settings, server.dsn, f"v{id(server):x}", seed=7)
    trials.prepare("")
    trials.drain()
    trials.compare()
    child = start(trials.settings, following=True)
    for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        trials.prepare("")
        run(trials.main, "BEGIN; INSERT INTO parts SELECT n, 5 FROM generate_series(1000, 1500) n")
        server.end(how)
        server.start()
        trials.connect()
    trials.prepare("")
    child.terminate()
    child.join(PATIENCE_SECONDS)
    assert child.exitcode == 0
    trials.drain()
    trials.compare()
    trials.close()


def test_the_embedded_version_is_among_those_tried() -> None:
    assert EMBEDDED in versions()
